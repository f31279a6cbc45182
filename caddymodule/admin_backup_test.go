package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// A backup that was made while the gateway runs brings persons, sessions and
// ends back, and nobody is another person than before.
func TestBackupIsRestored(t *testing.T) {
	folder := t.TempDir()
	o := openOffice(t, fmt.Sprintf(`{"store":"local","folder":%q}`, folder))
	phone, other := o.caller("ming"), o.caller("hong")
	ming, hong := phone.signIn(), other.signIn()
	o.must("DELETE", "/wechat/sessions?person="+hong, "", http.StatusOK)
	status, copied, header := o.call("GET", "/wechat/ledger/backup", "")
	if status != http.StatusOK || header.Get("Content-Type") != "application/octet-stream" || header.Get("Content-Length") != fmt.Sprint(len(copied)) {
		t.Fatalf("%d, %d bytes, %v", status, len(copied), header)
	}
	o.must("DELETE", "/wechat/persons/"+ming, "", http.StatusNoContent)
	if phone.isSignedIn() {
		t.Fatal("an erased person is signed in")
	}
	restored := t.TempDir()
	if err := os.WriteFile(filepath.Join(restored, "ledger.db"), []byte(copied), 0o600); err != nil {
		t.Fatal(err)
	}
	o.load(strings.ReplaceAll(o.config, folder, restored))
	if !phone.isSignedIn() {
		t.Error("the session of the backup is not accepted")
	}
	if other.isSignedIn() {
		t.Error("a session that had been ended is back")
	}
	if got := phone.signIn(); got != ming {
		t.Errorf("the visitor is %s, was %s", got, ming)
	}
	var found struct{ Persons []struct{ ID string } }
	if err := json.Unmarshal([]byte(o.must("GET", "/wechat/persons", "", http.StatusOK)), &found); err != nil || len(found.Persons) != 2 {
		t.Errorf("%d persons, %v, want 2", len(found.Persons), err)
	}
	if got := o.must("GET", "/wechat/ledger/verify", "", http.StatusOK); !strings.Contains(got, `"problems":[]`) {
		t.Errorf("verified: %s", got)
	}
}

// In Redis there is no file: the call says what to do. Lists work as in a file.
func TestAdminListsInRedis(t *testing.T) {
	o := openOffice(t, redisConfig(redistest.Standalone(t, redistest.Options{})))
	ming := o.caller("ming").signIn()
	answer := o.must("GET", "/wechat/ledger/backup", "", http.StatusNotImplemented)
	if !strings.Contains(answer, `"not_supported"`) || !strings.Contains(answer, "back up Redis itself") {
		t.Errorf("answered %s", answer)
	}
	waitFor(t, func() bool {
		status, answer, _ := o.call("GET", "/wechat/persons", "")
		return status == http.StatusOK && strings.Contains(answer, ming)
	})
	for path, want := range map[string]string{
		"/wechat/persons/count":                                 `{"persons":1}`,
		"/wechat/ledger/verify":                                 `"problems":[]`,
		"/wechat/ledger/inactive?before=2020-01-01T00:00:00Z":   `{"persons":0}`,
		"/wechat/persons?nickname=x":                            `[]`,
		"/wechat/persons?limit=1&after=000000000001" + zeroID(): `{"persons":[]}`,
	} {
		if got := o.must("GET", path, "", http.StatusOK); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func zeroID() string { return strings.Repeat("a", 26) }
