package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// gatewayStatus is what GET /wechat/status answers.
type gatewayStatus struct {
	Started, Loaded time.Time
	Uptime          int64 `json:"uptime_seconds"`
	Ready           bool
	Parts           map[string]string
	Store           string
	Persons         *int
	Accounts        []struct{ Name, Kind string }
	Sites           []struct {
		Origin   string
		Accounts []string
	}
	Webhooks []struct {
		Name          string
		Waiting, Dead *int
	}
	Keys    *struct{ Count int }
	SignIns struct{ Finished map[string]int } `json:"sign_ins"`
}

func (o *office) status() (s gatewayStatus) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.must("GET", "/wechat/status", "", http.StatusOK)), &s); err != nil {
		o.t.Fatal(err)
	}
	return s
}

// The status says what runs, and no secret. docs/openapi.yaml has the form.
func TestAdminStatus(t *testing.T) {
	const hookSecret = "0123456789abcdefghijklmnopqrstuv"
	t.Setenv("HOOK_SECRET", hookSecret)
	o := openOfficeWith(t, local(t), `"webhooks":[{"name":"crm","url":"http://127.0.0.1:1/?token=hidden","secrets":["{env.HOOK_SECRET}"],"events":["signed_in"]}],`)
	before := o.status().SignIns.Finished["signed_in"]
	c := o.caller("ming")
	c.signIn()
	s := o.status()
	if !s.Ready || s.Parts["ledger"] != "ok" || s.Store != "local" || s.Uptime < 0 || time.Since(s.Loaded) > time.Minute || s.Keys == nil || s.Keys.Count != 1 {
		t.Errorf("%+v", s)
	}
	if len(s.Accounts) != 1 || s.Accounts[0].Kind != "official_account" || len(s.Sites) != 1 || len(s.Sites[0].Accounts) != 1 || s.Sites[0].Accounts[0] != s.Accounts[0].Name {
		t.Errorf("%+v", s)
	}
	if got := s.SignIns.Finished["signed_in"]; got != before+1 {
		t.Errorf("%d sign-ins, want %d", got, before+1)
	}
	soon(t, "the waiting event", func() bool {
		hooks := o.status().Webhooks
		return len(hooks) == 1 && hooks[0].Name == "crm" && hooks[0].Waiting != nil && *hooks[0].Waiting == 1 && *hooks[0].Dead == 0
	})
	answer := o.must("GET", "/wechat/status", "", http.StatusOK)
	for _, secret := range append(o.storedSecrets(), simSecret, hookSecret, "hidden", "token") {
		if strings.Contains(answer, secret[:min(8, len(secret))]) {
			t.Errorf("%s has %s", answer, secret)
		}
	}
	o.load(strings.Replace(o.config, `{"handler":"wechat_auth","scope":"snsapi_base"},`, "", 1))
	if s := o.status(); !s.Ready || s.Sites == nil || len(s.Sites) != 0 || s.SignIns.Finished["signed_in"] != before+1 {
		t.Errorf("without a site, after a reload: %+v", s)
	}
}

// While the store does not answer, the status still does, soon, and says so.
func TestAdminStatusInAnOutage(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	o := openOffice(t, redisConfig(server))
	o.caller("ming").signIn()
	soon(t, "the number of persons", func() bool { n := o.status().Persons; return n != nil && *n == 1 })
	server.Kill()
	soon(t, "the outage", func() bool {
		begun := time.Now()
		s := o.status()
		if took := time.Since(begun); took > 8*time.Second {
			t.Errorf("the answer took %s", took)
		}
		return !s.Ready && s.Parts["store"] == "failed"
	})
}

// A status has bounds, however long the configuration is.
func TestAdminStatusIsBounded(t *testing.T) {
	t.Setenv("HOOK_SECRET", strings.Repeat("k", 32))
	var hooks []string
	for i := range 501 {
		hooks = append(hooks, fmt.Sprintf(`{"name":"h%d","url":"http://127.0.0.1:1/","secrets":["{env.HOOK_SECRET}"],"events":["signed_in"]}`, i))
	}
	o := openOfficeWith(t, local(t), `"webhooks":[`+strings.Join(hooks, ",")+`],`)
	answer := o.must("GET", "/wechat/status", "", http.StatusOK)
	if s := o.status(); len(s.Webhooks) != 500 || !strings.Contains(answer, `"cut":true`) {
		t.Errorf("%d webhooks", len(s.Webhooks))
	}
}
