package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
)

// A local store lists the sessions that this gateway has seen, and ends one of
// them, for good.
func TestAdminSeenSessions(t *testing.T) {
	o := openOffice(t, local(t))
	phone, tablet, other := o.caller("ming"), o.caller("ming"), o.caller("hong")
	ming := phone.signIn()
	first := o.sessions(ming)
	tablet.signIn()
	hong := other.signIn()
	if len(first) != 1 || len(o.sessions(ming)) != 2 || len(o.sessions(hong)) != 1 {
		t.Fatalf("listed %+v, then %+v", first, o.sessions(ming))
	}
	if s := first[0]; s.Site != o.site || s.AppID != simApp || s.Scope != "snsapi_base" || s.Created == "" || s.Expires <= s.Renewed || s.SeenHere == nil || !*s.SeenHere {
		t.Errorf("listed as %+v", s)
	}
	for path, want := range map[string]int{
		"/wechat/sessions/x": 400, "/wechat/sessions/" + strings.Repeat("A", 19): 404,
		"/wechat/sessions/" + first[0].ID + "?person=" + hong: 404, "/wechat/sessions/" + first[0].ID + "?person=nobody": 404,
	} {
		o.must("DELETE", path, "", want)
	}
	copied := phone.copyCookies()
	o.must("DELETE", "/wechat/sessions/"+first[0].ID+"?person="+ming, "", http.StatusNoContent)
	o.must("DELETE", "/wechat/sessions/"+first[0].ID, "", http.StatusNotFound)
	if phone.isSignedIn() || !tablet.isSignedIn() || !other.isSignedIn() || len(o.sessions(ming)) != 1 {
		t.Errorf("one session was ended; listed: %+v", o.sessions(ming))
	}
	o.restart()
	if len(o.sessions(ming)) != 0 {
		t.Error("after a restart a session is listed that was not seen")
	}
	if copied.isSignedIn() || !tablet.isSignedIn() {
		t.Error("after a restart the ended session must not pass, and the other must")
	}
	if len(o.sessions(ming)) != 1 {
		t.Error("a session that was seen after the restart is not listed")
	}
	o.load(o.config)
	if len(o.sessions(ming)) != 1 {
		t.Error("a reload lost the list")
	}
}

// What is not valid any more is not listed.
func TestAdminSeenSessionsThatAreOver(t *testing.T) {
	for name, end := range map[string]func(o *office, c *caller, person string){
		"the person's were ended": func(o *office, _ *caller, person string) {
			o.must("DELETE", "/wechat/sessions?person="+person, "", http.StatusOK)
		},
		"everyone's were ended": func(o *office, _ *caller, _ string) {
			o.must("DELETE", "/wechat/sessions?everyone=true", "", http.StatusOK)
		},
		"the keys were replaced": func(o *office, _ *caller, _ string) {
			o.must("POST", "/wechat/keys/rotate?retire_now=true", "", http.StatusOK)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, local(t))
			phone := o.caller("ming")
			ming := phone.signIn()
			if len(o.sessions(ming)) != 1 {
				t.Fatal("not listed")
			}
			end(o, phone, ming)
			if list := o.sessions(ming); len(list) != 0 {
				t.Errorf("listed %+v", list)
			}
			phone.signIn()
			if list := o.sessions(ming); len(list) != 1 {
				t.Errorf("after a new sign-in: %+v", list)
			}
		})
	}
}
