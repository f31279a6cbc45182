package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// What each of WeChat's events does to the record, the session, the next visit,
// and what the business system hears of it.
func TestEventsOfWeChat(t *testing.T) {
	for _, test := range []struct {
		name            string
		account, global string // more of the configuration
		button          []string
		stays           bool     // the session goes on
		profile, erased bool     // nickname and avatar stay; or everything is gone
		hears           []string // of the business system, in this order
		reason          string   // of the first
		asks            bool     // for consent at the next visit
	}{
		{name: "revoked, with codes nobody knows", button: []string{"withdraw", "account", appID, "codes", "999,x"}, hears: []string{"revoked"}, reason: "999,x", asks: true},
		{name: "revoked, another thing", button: []string{"withdraw", "account", appID, "codes", "206"}, profile: true, hears: []string{"revoked"}, reason: "206", asks: true},
		{name: "account closed", button: []string{"close"}, erased: true, hears: []string{"cancelled", "erased"}},
		{name: "profile cleaned", button: []string{"clean"}, hears: []string{"profile_changed"}, asks: true},
		{name: "profile cleaned, fetched anew", global: "profile_max_age 24h", button: []string{"clean"}, hears: []string{"profile_changed"}},
		{name: "unfollowed", button: []string{"follow", "account", appID}, stays: true, profile: true},
		{name: "unfollowed, to be forgotten", account: "push_unsubscribe forget", button: []string{"follow", "account", appID}, hears: []string{"revoked"}, reason: "unsubscribe", asks: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			crm := newBusiness(t)
			admin := "127.0.0.1:" + freePort(t)
			w.load(w.caddyfile(options{admin: admin, account: pushAccount + "\n\t\t\t" + test.account, global: webhookTo(crm.URL) + "\n\t\t" + test.global}))
			pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
			v := w.visitor("ming")
			v.signIn(w.site + "/")
			user := w.userOf()
			// Silently first, which brings the unionid, and then with consent.
			first := []string{"signed_in", "linked", "signed_in"}
			soon(t, "the sign-in is heard of", 10*time.Second, func() bool { return len(crm.heard()) == len(first) })
			press(t, w.sim.URL, test.button[0], append([]string{"person", "ming"}, test.button[1:]...)...)
			soon(t, "WeChat got its answer", 10*time.Second, func() bool {
				all := w.wechat.Pushes()
				return len(all) > 0 && all[len(all)-1].Done
			})
			if p := w.wechat.Pushes(); len(p) != 1 || !p[0].Accepted || len(p[0].Attempts) != 1 {
				t.Fatalf("WeChat's pushes: %+v", p)
			}
			asked := v.send(http.MethodGet, w.site+"/", "", http.Header{"Accept": {"application/json"}})
			if ended := asked.StatusCode == http.StatusUnauthorized; ended == test.stays {
				t.Errorf("the session's next request: %s", asked.Status)
			}
			for _, kind := range test.hears {
				crm.once(t, kind, user, 10*time.Second)
			}
			heard := kinds(crm.heard())
			if want := append(first, test.hears...); !slices.Equal(heard, want) {
				t.Errorf("the business system heard %v, want %v", heard, want)
			}
			if len(test.hears) > 0 {
				if n := crm.heard(test.hears[0])[0]; n.Data.Reason != test.reason || n.Data.OpenID != w.wechat.OpenID("ming", appID) {
					t.Errorf("the first of them: %s", n.body)
				}
			}
			if strings.Contains(test.global, "profile_max_age") {
				soon(t, "the profile is fetched anew", 5*time.Second, func() bool { return w.wechat.CountCalls("/sns/userinfo") == 2 })
			}
			w.checkRecord(t, admin, user, test.profile, test.erased)
			w.app.take()
			switch {
			case test.erased:
				if a := v.open(w.site + "/"); a.StatusCode == http.StatusOK && strings.Contains(a.body, "<title>app</title>") {
					t.Errorf("who closed the account reached the app")
				}
			default:
				a := v.open(w.site + "/")
				if asks := attribute(a.body, `href="(/_wechat/login[^"]*)"`) != ""; asks != test.asks {
					t.Errorf("consent is asked: %v, at %s: %s %.300s", asks, a.url, a.Status, a.body)
				}
				if a := v.signIn(w.site + "/"); a.StatusCode != http.StatusOK {
					t.Fatalf("the next visit: %s at %s", a.Status, a.url)
				}
				if again := w.userOf(); again != user {
					t.Errorf("the person is %s now, and was %s", again, user)
				}
			}
		})
	}
}

// checkRecord looks at what the ledger has about ming.
func (w *world) checkRecord(t *testing.T, admin, user string, profile, erased bool) {
	t.Helper()
	status, text := outside(t, http.MethodGet, "http://"+admin+"/wechat/persons/"+user, "")
	switch {
	case erased:
		_, whole := outside(t, http.MethodGet, "http://"+admin+"/wechat/ledger", "")
		if status != http.StatusNotFound || strings.Contains(whole, w.wechat.OpenID("ming", appID)) || strings.Contains(whole, w.wechat.UnionID("ming", appID)) {
			t.Errorf("the person is still there: %d %s\n%s", status, text, whole)
		}
	case status != http.StatusOK:
		t.Errorf("the record: %d %s", status, text)
	case strings.Contains(text, "小明") != profile || strings.Contains(text, "qlogo.cn/mmopen/ming") != profile:
		t.Errorf("the record: %s", text)
	}
}

func kinds(all []notice) []string {
	var kinds []string
	for _, n := range all {
		kinds = append(kinds, n.Type)
	}
	return kinds
}
