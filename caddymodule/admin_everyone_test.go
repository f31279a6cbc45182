package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
)

// All sessions of everyone end on both stores, stay ended over a restart, and
// everyone may sign in again at once.
func TestAdminEndsEveryone(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, store(t))
			phone, other := o.caller("ming"), o.caller("hong")
			ming := phone.signIn()
			other.signIn()
			copied := phone.copyCookies()
			for _, wrong := range []string{"?everyone=yes", "?everyone=", "?everyone=true&person=" + ming, "", "?everyone=true&everyone=true"} {
				o.must("DELETE", "/wechat/sessions"+wrong, "", http.StatusBadRequest)
			}
			if !phone.isSignedIn() {
				t.Fatal("a wrong call ended a session")
			}
			if got := o.must("DELETE", "/wechat/sessions?everyone=true", "", http.StatusOK); got != "{\"ended\":null}\n" {
				t.Errorf("answered %s", got)
			}
			if phone.isSignedIn() || other.isSignedIn() {
				t.Error("an ended session passes")
			}
			if list := o.must("GET", "/wechat/ledger", "", http.StatusOK); !strings.Contains(list, `{"ended_person":"everyonezzzzzzzzzzzzzzzzzz","at":"`) {
				t.Errorf("the ledger's file says nothing of it:\n%s", list)
			}
			if phone.signIn() != ming || !phone.isSignedIn() {
				t.Error("a sign-in at once does not hold")
			}
			if list := o.sessions(ming); len(list) != 1 {
				t.Errorf("listed %v, want the new session only", list)
			}
			o.restart()
			if !phone.isSignedIn() || copied.isSignedIn() {
				t.Error("after a restart the new session must pass, and the old one must not")
			}
			o.must("GET", "/wechat/persons/everyonezzzzzzzzzzzzzzzzzz", "", http.StatusNotFound)
			o.must("GET", "/wechat/sessions?person=everyonezzzzzzzzzzzzzzzzzz", "", http.StatusNotFound)
		})
	}
}
