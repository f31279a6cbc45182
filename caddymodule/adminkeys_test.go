package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// rotation is the answer to a rotation of the keys.
type rotation struct {
	Key     string
	Seals   time.Time
	Retired int
}

func (o *office) rotated(query string) (answer rotation) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.must("POST", "/wechat/keys/rotate"+query, "", http.StatusOK)), &answer); err != nil {
		o.t.Fatal(err)
	}
	return answer
}

// A key that is added signs nobody out. Attack: a leaked key; one call, and
// what it sealed is refused at once, from memory too, in both stores.
func TestAttackAdminRetiresALeakedKey(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, store(t))
			c := o.caller("ming")
			ming := c.signIn()
			added := o.rotated("")
			if left := time.Until(added.Seals); added.Key == "" || added.Retired != 0 || left < 14*time.Minute || left > 16*time.Minute {
				t.Errorf("added: %+v", added)
			}
			if again := o.rotated("?retire_now=false"); again != added {
				t.Errorf("again: %+v, want %+v", again, added)
			}
			if !c.isSignedIn() {
				t.Fatal("a rotation signs out")
			}
			if retired := o.rotated("?retire_now=true"); retired.Key == added.Key || retired.Retired != 2 || time.Until(retired.Seals) > 0 {
				t.Errorf("retired: %+v", retired)
			}
			if c.isSignedIn() {
				t.Error("the leaked key still opens")
			}
			if c.signIn() != ming || !c.isSignedIn() {
				t.Error("the person cannot sign in again, or is another one")
			}
		})
	}
}

// The keys can be looked at, and no answer helps to make a session.
func TestAttackAdminShowsAKey(t *testing.T) {
	for name, test := range map[string]struct{ more, want string }{
		"generated":  {"", `^{"generated":true,"keys":\[{"id":"[0-9a-f]{8}","created":"[^"]*Z","seals":"[^"]*Z","state":"current"}\]}\n$`},
		"configured": {configuredKey, `^{"generated":false,"keys":\[{"id":"[0-9a-f]{16}","state":"current"}\]}\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			o := openOfficeWith(t, local(t), test.more)
			answer := o.must("GET", "/wechat/keys", "", http.StatusOK)
			if !regexp.MustCompile(test.want).MatchString(answer) {
				t.Errorf("answered %s", answer)
			}
			secrets := []string{strings.Repeat("k", 8)}
			if name == "generated" {
				secrets = o.storedSecrets()
			}
			for _, secret := range secrets {
				if strings.Contains(answer, secret[:8]) {
					t.Errorf("%s has the key", answer)
				}
			}
			if status, _, _ := o.call("GET", "/wechat/keys?secret=true", ""); status != http.StatusBadRequest {
				t.Errorf("another query: %d", status)
			}
		})
	}
}

// storedSecrets returns the secrets of the generated keys, as they are stored.
func (o *office) storedSecrets() (secrets []string) {
	o.t.Helper()
	var config struct{ Storage struct{ Root string } }
	if err := json.Unmarshal([]byte(o.config), &config); err != nil {
		o.t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(config.Storage.Root, "wechat", "session_keys.json"))
	if err != nil {
		o.t.Fatal(err)
	}
	var file struct{ Keys []struct{ Secret string } }
	if err := json.Unmarshal(b, &file); err != nil || len(file.Keys) == 0 {
		o.t.Fatalf("%v, %d keys", err, len(file.Keys))
	}
	for _, k := range file.Keys {
		secrets = append(secrets, k.Secret)
	}
	return secrets
}

// What cannot be meant, or done, is refused in a sentence, and signs nobody
// out.
func TestAdminRefusesToRotateKeys(t *testing.T) {
	for name, test := range map[string]struct {
		more, method, query, body string
		status                    int
		want                      string
	}{
		"configured":      {configuredKey, "POST", "", "", 409, "put a new key first in session { key"},
		"configured, now": {configuredKey, "POST", "?retire_now=true", "", 409, "put a new key first in session { key"},
		"a mistyped name": {"", "POST", "?retire-now=true", "", 400, "the query must be empty, or give retire_now"},
		"another word":    {"", "POST", "?retire_now=yes", "", 400, "true or false"},
		"twice":           {"", "POST", "?retire_now=true&retire_now=true", "", 400, "or give retire_now"},
		"in a body":       {"", "POST", "", `{"retire_now":true}`, 400, "?retire_now=true"},
		"another method":  {"", "GET", "", "", 405, "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := openOfficeWith(t, local(t), test.more)
			c := o.caller("ming")
			c.signIn()
			status, answer, _ := o.call(test.method, "/wechat/keys/rotate"+test.query, test.body)
			if status != test.status || !strings.Contains(answer, test.want) {
				t.Errorf("%d %s, want %d with %s", status, answer, test.status, test.want)
			}
			if !c.isSignedIn() {
				t.Error("it signs out all the same")
			}
		})
	}
}

var configuredKey = fmt.Sprintf(`"session":{"keys":[%q]},`, strings.Repeat("k", 32))
