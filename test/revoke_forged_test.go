package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Attack: somebody who is not WeChat withdraws what others granted, closes
// their accounts, or talks to the bot. Nothing that is not signed, and nothing
// that was recorded, has any effect, and the bot never hears of it.
func TestPushesThatAreForged(t *testing.T) {
	w := newWorld(t)
	crm, b := newBusiness(t), newBot(t)
	admin := "127.0.0.1:" + freePort(t)
	w.load(w.caddyfile(options{admin: admin, account: pushAccount + "\n\t\t\tpush_relay " + b.URL + "\n\t\t\tpush_relay_all", global: webhookTo(crm.URL)}))
	v := w.visitor("ming")
	v.signIn(w.site + "/")
	user := w.userOf()
	now := time.Now()
	revoke := revocation(w.wechat.OpenID("ming", appID), now)
	stamp := func(query, name, value string) string {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
		return q.Encode()
	}
	plainly := func(at time.Time, message string) (string, string) {
		q, _ := pushBody(at, message)
		return stamp(stamp(q, "encrypt_type", ""), "msg_signature", ""), message
	}
	good, sealed := pushBody(now, revoke)
	otherQuery, otherBody := pushBody(now, revocation("oSomebody", now))
	wrongAppQuery, wrongApp := pushBodyFor("wx00000000000bad00", now, revoke)
	for _, attack := range []struct {
		name, query, body string
	}{
		{"unsigned", "", revoke},
		{"unsigned, encrypted", "", sealed},
		{"wrong signature", stamp(good, "signature", strings.Repeat("0", 40)), sealed},
		{"wrong msg_signature", stamp(good, "msg_signature", strings.Repeat("0", 40)), sealed},
		{"no msg_signature", stamp(good, "msg_signature", ""), sealed},
		{"the query of another push", otherQuery, sealed},
		{"the body of another push", good, otherBody},
		{"time moved on", stamp(good, "timestamp", "1"), sealed},
		{"for another account", wrongAppQuery, wrongApp},
		{"key unknown", good, "<xml><Encrypt>" + strings.Repeat("A", 128) + "</Encrypt></xml>"},
	} {
		w.refusesPush(t, attack.name, attack.query, attack.body)
	}
	for _, clear := range []string{"clear text where there is a key", "clear text, an hour old"} {
		at := now
		if strings.HasSuffix(clear, "old") {
			at = now.Add(-time.Hour)
		}
		query, body := plainly(at, revoke)
		w.refusesPush(t, clear, query, body)
	}
	// Replays: of a genuine push that was recorded eleven minutes ago, and the
	// other way.
	for _, age := range []time.Duration{11 * time.Minute, -11 * time.Minute} {
		query, body := pushBody(now.Add(-age), revoke)
		w.refusesPush(t, "a copy, "+age.String()+" old", query, body)
	}
	if got := b.take(); len(got) != 0 {
		t.Errorf("the bot heard of %+v", got)
	}
	if heard := crm.heard("revoked", "cancelled", "erased", "logged_out", "profile_changed"); len(heard) != 0 {
		t.Errorf("the business system heard %v", heard)
	}
	if a := v.send(http.MethodGet, w.site+"/", "", http.Header{"Accept": {"application/json"}}); a.StatusCode != http.StatusOK {
		t.Errorf("the session is over: %s", a.Status)
	}
	w.checkRecord(t, admin, user, true, false)

	// The genuine one works, once: a replay within the window does nothing
	// more.
	for range 3 {
		if status, text := outside(t, http.MethodPost, w.site+"/_wechat/push/default?"+good, sealed); status != http.StatusOK || text != "success" {
			t.Errorf("the genuine push: %d %s", status, text)
		}
	}
	crm.once(t, "revoked", user, 5*time.Second)
	w.app.take()
	if a := v.signIn(w.site + "/"); a.StatusCode != http.StatusOK {
		t.Fatalf("signing in anew: %s", a.Status)
	}
	if status, _ := outside(t, http.MethodPost, w.site+"/_wechat/push/default?"+good, sealed); status != http.StatusOK {
		t.Errorf("the replay: %d", status)
	}
	if a := v.send(http.MethodGet, w.site+"/", "", http.Header{"Accept": {"application/json"}}); a.StatusCode != http.StatusOK {
		t.Errorf("a replay ended a session that is newer: %s", a.Status)
	}
	w.checkRecord(t, admin, user, true, false)
	crm.once(t, "revoked", user, 0)
	if strings.Contains(w.log(), pushToken) || strings.Contains(w.log(), pushAESKey) || strings.Contains(w.log(), hookSecret) {
		t.Error("a secret is in the log")
	}
}

// refusesPush sends something that WeChat did not, and learns nothing of it.
func (w *world) refusesPush(t *testing.T, name, query, body string) {
	t.Helper()
	status, text := outside(t, http.MethodPost, w.site+"/_wechat/push/default?"+query, body)
	if status != http.StatusForbidden || text != "" {
		t.Errorf("%s: %d %q", name, status, text)
	}
}
