package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Sealed in cookies: ended for a whole person, at the very next request, and a
// copy of the cookie is worth nothing. Nobody else is touched.
func TestAdminEndsSealedSessions(t *testing.T) {
	o := openOffice(t, local(t))
	phone, tablet, other := o.caller("ming"), o.caller("ming"), o.caller("hong")
	ming, hong := phone.signIn(), other.signIn()
	if tablet.signIn() != ming || hong == ming {
		t.Fatal("the persons are mixed up")
	}
	if got := o.must("DELETE", "/wechat/sessions?person="+ming, "", http.StatusOK); got != "{\"ended\":null}\n" {
		t.Errorf("answered %s", got)
	}
	if phone.isSignedIn() || tablet.isSignedIn() {
		t.Error("an ended session passes")
	}
	if !other.isSignedIn() {
		t.Error("somebody else was signed out")
	}
	nextSecond()
	if phone.signIn() != ming {
		t.Error("after ending the sessions the person is another one")
	}
	if !phone.isSignedIn() || tablet.isSignedIn() {
		t.Error("the new session must pass, and the old one must not")
	}
}

// Who was erased is a stranger at the next request, and is known by a new id
// after a new dance.
func TestAdminErase(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, store(t))
			phone, other := o.caller("ming"), o.caller("hong")
			ming, hong := phone.signIn(), other.signIn()
			o.must("DELETE", "/wechat/persons/"+ming, "", http.StatusNoContent)
			waitFor(t, func() bool { return !phone.isSignedIn() })
			o.must("GET", "/wechat/persons/"+ming, "", http.StatusNotFound)
			// All that may be left is that sessions of this id are over.
			note := regexp.MustCompile(`(?m)^\{"ended_person":"` + ming + `","at":"[0-9TZ:-]+","until":"[0-9TZ:-]+"\}\n`)
			ledger := note.ReplaceAllString(o.must("GET", "/wechat/ledger", "", http.StatusOK), "")
			if strings.Contains(ledger, ming) || strings.Contains(ledger, o.sim.OpenID("ming", simApp)) || !strings.Contains(ledger, hong) {
				t.Errorf("the ledger holds\n%s", ledger)
			}
			nextSecond()
			if phone.signIn() == ming {
				t.Error("an erased person came back")
			}
			if other.signIn() != hong {
				t.Error("somebody else was erased")
			}
		})
	}
}

// In Redis sessions are listed, and ended one by one or all at once.
func TestAdminSessionsInRedis(t *testing.T) {
	o := openOffice(t, listedRedis(t))
	callers := []*caller{o.caller("ming"), o.caller("ming"), o.caller("ming")}
	var ming string
	for _, c := range callers {
		ming = c.signIn()
	}
	list := o.sessions(ming)
	if len(list) != 3 {
		t.Fatalf("%d sessions", len(list))
	}
	for _, s := range list {
		if s.Site != o.site || s.AppID != simApp || s.Scope != "snsapi_base" || s.Created == "" || s.SeenHere != nil {
			t.Errorf("listed as %+v", s)
		}
	}
	o.must("DELETE", "/wechat/sessions/"+list[0].ID, "", http.StatusNoContent)
	o.must("DELETE", "/wechat/sessions/"+list[0].ID, "", http.StatusNotFound)
	waitFor(t, func() bool {
		return len(slices.DeleteFunc(slices.Clone(callers), func(c *caller) bool { return !c.isSignedIn() })) == 2
	})
	if n := len(o.sessions(ming)); n != 2 {
		t.Errorf("%d sessions after one was ended", n)
	}
	for _, odd := range []string{"x", strings.Repeat("*", 19), strings.Repeat("a", 20), "%00"} {
		if status, answer, _ := o.call("DELETE", "/wechat/sessions/"+odd, ""); status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", odd, status, answer)
		}
	}
	if got := o.must("DELETE", "/wechat/sessions?person="+ming, "", http.StatusOK); got != "{\"ended\":2}\n" {
		t.Errorf("answered %s", got)
	}
	waitFor(t, func() bool { return !slices.ContainsFunc(callers, (*caller).isSignedIn) })
	if n := len(o.sessions(ming)); n != 0 {
		t.Errorf("%d sessions after all were ended", n)
	}
}

// Who names the person of a session has the business systems hear that it
// ended.
func TestAdminEndOfOneSessionIsTold(t *testing.T) {
	heard := make(chan map[string]string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var event struct{ Data map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			t.Error(err)
		}
		heard <- event.Data
	}))
	t.Cleanup(receiver.Close)
	o := openOfficeWith(t, listedRedis(t), fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["%s"],"events":["logged_out"]}],`, receiver.URL, strings.Repeat("k", 32)))
	c := o.caller("ming")
	ming, hua := c.signIn(), o.caller("hong").signIn()
	id := o.sessions(ming)[0].ID
	for _, wrong := range []struct {
		query string
		want  int
	}{{"?person=" + hua, 404}, {"?person=nobody", 404}, {"?user=" + ming, 400}, {"?person=", 400}} {
		o.must("DELETE", "/wechat/sessions/"+id+wrong.query, "", wrong.want)
	}
	if !c.isSignedIn() {
		t.Fatal("a wrong call ended the session")
	}
	o.must("DELETE", "/wechat/sessions/"+id+"?person="+ming, "", http.StatusNoContent)
	got := <-heard
	if got["user"] != ming || got["reason"] != "admin" || got["app_id"] != simApp || len(heard) != 0 {
		t.Errorf("told %v, and %d others", got, len(heard))
	}
	waitFor(t, func() bool { return !c.isSignedIn() })
}

// A store that is down is said to be down: nothing is taken for done or absent.
func TestAdminStoreUnavailable(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	o := openOffice(t, redisConfig(server))
	ming := o.caller("ming").signIn()
	server.Kill()
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/wechat/persons?app_id=wx1&openid=o1", ""},
		{"GET", "/wechat/persons/zzzzzzzzzzzzzzzzzzzzzzzzzz", ""},
		{"DELETE", "/wechat/persons/" + ming, ""},
		{"GET", "/wechat/sessions?person=" + ming, ""},
		{"DELETE", "/wechat/sessions?person=" + ming, ""},
		{"DELETE", "/wechat/sessions/" + strings.Repeat("A", 19), ""},
		{"GET", "/wechat/ledger", ""},
		{"POST", "/wechat/ledger", o.ledgerFile()},
		{"GET", "/wechat/persons", ""},
		{"GET", "/wechat/persons/count", ""},
		{"GET", "/wechat/persons?nickname=a", ""},
		{"GET", "/wechat/ledger/verify", ""},
		{"GET", "/wechat/ledger/inactive?before=2020-01-01T00:00:00Z", ""},
		{"DELETE", "/wechat/ledger/inactive?before=2020-01-01T00:00:00Z", ""},
	} {
		status, answer, _ := o.call(c.method, c.path, c.body)
		if status != http.StatusServiceUnavailable || !strings.Contains(answer, "the store is unavailable; try again") || strings.Contains(answer, "127.0.0.1") {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
		}
	}
}

func listedRedis(t *testing.T) string {
	t.Helper()
	return redisConfig(redistest.Standalone(t, redistest.Options{}))
}

func redisConfig(server *redistest.Server) string {
	return fmt.Sprintf(`{"store":"redis","address":%q}`, server.URL())
}

// listed is a session in the list.
type listed struct {
	ID, Site, Scope, Created, Renewed, Expires string
	AppID                                      string `json:"app_id"`
	SeenHere                                   *bool  `json:"seen_here"`
}

func (o *office) sessions(person string) []listed {
	o.t.Helper()
	var list []listed
	if err := json.Unmarshal([]byte(o.must("GET", "/wechat/sessions?person="+person, "", http.StatusOK)), &list); err != nil {
		o.t.Fatal(err)
	}
	return list
}

// waitFor waits for what a fleet hears of within a second, unless the machine
// is busy.
func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for !what() {
		if time.Now().After(end) {
			t.Fatal("not so after ten seconds")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
