package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// mayEnter asks for the site as a browser does, and says whether it is let in.
func (c *caller) mayEnter() bool {
	c.o.t.Helper()
	switch status, body := c.get(c.client); {
	case status == http.StatusOK && strings.HasPrefix(body, "user="):
		return true
	case status == http.StatusForbidden && strings.Contains(body, `<main class="not_allowed">`):
		return false
	default:
		c.o.t.Fatalf("the site answered %d: %.300s", status, body)
	}
	return false
}

// An operator bans a person and lifts the ban: sessions end, sign-ins end with a
// page, another person is not touched; on both stores.
func TestAdminBans(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, store(t))
			phone, tablet, other := o.caller("ming"), o.caller("ming"), o.caller("hong")
			ming := phone.signIn()
			tablet.signIn()
			other.signIn()
			find := "/wechat/persons?openid=" + o.sim.OpenID("ming", simApp)
			if got := o.must("GET", find, "", http.StatusOK); strings.Contains(got, "banned") {
				t.Errorf("before, the person is %s", got)
			}
			o.must("POST", "/wechat/persons/"+ming+"/ban?reason="+url.QueryEscape("刷单"), "", http.StatusNoContent)
			waitFor(t, func() bool { return !phone.isSignedIn() && !tablet.isSignedIn() })
			if phone.mayEnter() || o.caller("ming").mayEnter() {
				t.Error("a banned person enters")
			}
			if !other.isSignedIn() {
				t.Error("another person was signed out")
			}
			if got := o.must("GET", find, "", http.StatusOK); !strings.Contains(got, `"banned":true`) {
				t.Errorf("the person is %s", got)
			}
			if got := o.must("GET", "/wechat/bans", "", http.StatusOK); !strings.HasPrefix(got, fmt.Sprintf(`{"bans":[{"person":%q,"at":"2`, ming)) || !strings.HasSuffix(got, `"}],"erased":0}`+"\n") {
				t.Errorf("the bans are %s", got)
			}
			o.must("POST", "/wechat/persons/"+ming+"/ban", "", http.StatusNoContent) // again
			o.must("DELETE", "/wechat/persons/"+ming+"/ban", "", http.StatusNoContent)
			o.must("DELETE", "/wechat/persons/"+ming+"/ban", "", http.StatusNotFound)
			nextSecond()
			waitFor(t, func() bool { return phone.mayEnter() })
		})
	}
}

// A ban outlives the person's data and moves with the ledger to another store,
// and the export of the erased person's ban names no one.
func TestAdminBanMoves(t *testing.T) {
	o := openOffice(t, local(t))
	ming, openID := o.caller("ming").signIn(), o.sim.OpenID("ming", simApp)
	o.must("POST", "/wechat/persons/"+ming+"/ban", "", http.StatusNoContent)
	o.must("DELETE", "/wechat/persons/"+ming, "", http.StatusNoContent)
	if got := o.must("GET", "/wechat/bans", "", http.StatusOK); got != `{"bans":[],"erased":1}`+"\n" {
		t.Errorf("the bans are %s", got)
	}
	exported := o.must("GET", "/wechat/ledger", "", http.StatusOK)
	if !strings.HasPrefix(exported, `{"format":"wechat-ledger","version":3}`+"\n") {
		t.Errorf("the export begins %.60s", exported)
	}
	for line := range strings.Lines(exported) {
		if strings.Contains(line, `"ban":`) && (strings.Contains(line, ming) || strings.Contains(line, openID)) {
			t.Errorf("the ban names the erased person: %s", line)
		}
	}
	o.must("DELETE", "/wechat/bans?id="+openID, "", http.StatusNoContent)
	if !o.caller("ming").mayEnter() {
		t.Error("the ban was lifted, and the person does not enter")
	}
	if got := o.must("GET", "/wechat/ledger", "", http.StatusOK); !strings.HasPrefix(got, `{"format":"wechat-ledger","version":2}`) {
		t.Errorf("without bans, an older gateway could not read %.60s", got)
	}
	other := openOffice(t, local(t))
	if got := other.must("POST", "/wechat/ledger", exported, http.StatusOK); !strings.Contains(got, `"bans":1`) {
		t.Errorf("imported %s", got)
	}
	status, answer, _ := other.call("POST", "/wechat/ledger", strings.Replace(exported, `"version":3`, `"version":2`, 1))
	if status != http.StatusBadRequest {
		t.Errorf("a ban in a file of version 2: %d %s", status, answer)
	}
}

// What cannot be meant is refused, and bans no one.
func TestAdminRefusesBans(t *testing.T) {
	o := openOffice(t, local(t))
	ming := o.caller("ming").signIn()
	ban := "/wechat/persons/" + ming + "/ban"
	for name, c := range map[string]struct {
		method, path string
		status       int
		word         string
	}{
		"an unknown person":         {"POST", "/wechat/persons/zzzzzzzzzzzzzzzzzzzzzzzzzz/ban", 404, "person_not_found"},
		"an openid":                 {"POST", "/wechat/persons/" + o.sim.OpenID("ming", simApp) + "/ban", 404, "person_not_found"},
		"a reason of two lines":     {"POST", ban + "?reason=a%0Ab", 400, "invalid_query"},
		"a reason that turns text":  {"POST", ban + "?reason=%E2%80%AE", 400, "invalid_query"},
		"a reason that is no UTF-8": {"POST", ban + "?reason=%ff", 400, "invalid_query"},
		"a long reason":             {"POST", ban + "?reason=" + strings.Repeat("a", 201), 400, "invalid_query"},
		"an empty reason":           {"POST", ban + "?reason=", 400, "invalid_query"},
		"a mistyped word":           {"POST", ban + "?reasons=a", 400, "invalid_query"},
		"another method":            {"GET", ban, 405, "method_not_allowed"},
		"no ban":                    {"DELETE", ban, 404, "ban_not_found"},
		"no ban of an id":           {"DELETE", "/wechat/bans?id=" + ming, 404, "ban_not_found"},
		"all bans":                  {"DELETE", "/wechat/bans", 400, "invalid_query"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer, _ := o.call(c.method, c.path, "")
			if status != c.status || !strings.Contains(answer, `"error":"`+c.word+`"`) {
				t.Errorf("%d %s, want %d %s", status, answer, c.status, c.word)
			}
		})
	}
	if got := o.must("GET", "/wechat/bans", "", http.StatusOK); got != `{"bans":[],"erased":0}`+"\n" {
		t.Errorf("the bans are %s", got)
	}
}
