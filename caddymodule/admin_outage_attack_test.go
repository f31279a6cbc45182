package caddymodule_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Attack: an operator ends the sessions of a stolen cookie while Redis is away.
// The call is 503, and nothing comes of it unless it is repeated. It is done
// when Redis is back.
func TestAttackOperatorsEndIsLostInAnOutage(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	o := openOffice(t, redisConfig(server))
	phone, tablet := o.caller("ming"), o.caller("ming")
	ming := phone.signIn()
	tablet.signIn()
	server.Kill()
	for range 2 {
		if status, answer, _ := o.call("DELETE", "/wechat/sessions?person="+ming, ""); status != http.StatusServiceUnavailable {
			t.Fatalf("nothing is stored: %d %s", status, answer)
		}
	}
	server.Restart()
	for begun := time.Now(); len(o.listed(ming)) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("the sessions live on")
		}
	}
	if slices.ContainsFunc([]*caller{phone, tablet}, (*caller).isSignedIn) {
		t.Error("an ended session passes")
	}
	nextSecond()
	if phone.signIn() != ming || !phone.isSignedIn() {
		t.Error("a session of afterwards has ended too")
	}
}

// listed asks for a person's sessions, also while Redis comes back.
func (o *office) listed(person string) string {
	o.t.Helper()
	status, answer, _ := o.call("GET", "/wechat/sessions?person="+person, "")
	if status == http.StatusOK && answer == "[]\n" {
		return ""
	}
	return answer
}
