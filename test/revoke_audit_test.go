package test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// auditTo routes the audit log to a file of its own, as docs/operators.md
// shows.
func auditTo(file string) string {
	return "log audit {\n\t\toutput file " + file + "\n\t\tinclude http.handlers.wechat_auth.audit\n\t}"
}

// What people and operators do is in the audit log, one line each, in a file of
// its own that has nothing else; and nothing in it, or in the metrics, could be
// used against a person.
func TestAuditLogAndMetrics(t *testing.T) {
	w := newWorld(t)
	crm := newBusiness(t)
	admin, file := "127.0.0.1:"+freePort(t), w.folder+"/audit.log"
	config := strings.Replace(w.caddyfile(options{
		admin: admin, account: pushAccount, global: webhookTo(crm.URL), server: auditTo(file),
		auth: "scope snsapi_base\n\t\tscope snsapi_userinfo /account/*\n\t\twithout_consent allow",
	}), "level DEBUG", "level DEBUG\n\t\texclude http.handlers.wechat_auth.audit", 1)
	w.load(config)
	pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
	call := func(method, path string) {
		t.Helper()
		if status, text := outside(t, method, "http://"+admin+path, ""); status >= 300 {
			t.Errorf("%s %s: %d %s", method, path, status, text)
		}
	}
	ming := w.visitor("ming")
	ming.signIn(w.site + "/")
	user := w.userOf()
	ming.decline(w.site + "/account/x")
	hong := w.visitor("hong")
	hong.signIn(w.site + "/")
	hong.signIn(w.site + "/account/x") // asks, and hong consents
	other := w.userOf()
	ming.send(http.MethodPost, w.site+"/_wechat/logout", "", http.Header{"Accept": {"application/json"}})
	call(http.MethodGet, "/wechat/persons/"+user)
	call(http.MethodGet, "/wechat/ledger")
	call(http.MethodDelete, "/wechat/persons/"+user)
	call(http.MethodPost, "/wechat/keys/rotate")
	call(http.MethodPost, "/wechat/keys/rotate?retire_now=true")
	for _, push := range []func(string, string) (wechattest.Pushed, error){
		func(p, a string) (wechattest.Pushed, error) { return w.wechat.PushRevoke(p, a) },
		w.wechat.PushCancel,
	} {
		if pushed, err := push("hong", appID); err != nil || !pushed.Accepted {
			t.Fatalf("%+v %v", pushed, err)
		}
	}
	want := []string{
		"sign_in default " + user[:8], "decline default page " + user[:8], "sign_in default " + other[:8], "step_up default " + other[:8],
		"logout default visitor " + user[:8], "admin export " + user[:8], "admin ledger export", "erase admin " + user[:8],
		"admin keys rotate", "admin keys rotate retire_now",
		"revoke default user_authorization_revoke 205 " + other[:8], "erase default user_authorization_cancellation " + other[:8],
	}
	log := auditLines(t, file, want)
	if text := w.log(); strings.Contains(text, "wechat_auth.audit") || !strings.Contains(text, `"logger":"http.handlers.wechat_auth"`) {
		t.Error("the default log has lines of the audit log, or nothing of ours")
	}
	crm.once(t, "erased", other, 5*time.Second)
	soon(t, "the last delivery is counted", 10*time.Second, func() bool {
		_, text := outside(t, http.MethodGet, "http://"+admin+"/wechat/webhooks", "")
		return strings.Contains(text, `"waiting":0`)
	})
	_, before := outside(t, http.MethodGet, "http://"+admin+"/metrics", "")
	w.load(strings.Replace(config, "without_consent allow", "", 1))
	_, metrics := outside(t, http.MethodGet, "http://"+admin+"/metrics", "")
	for _, line := range []string{
		`caddy_wechat_audit_events_total{account="default",action="step_up"}`, `caddy_wechat_pushes_total{account="default",result="acted"}`,
		`caddy_wechat_pushes_waiting{account="default"} 0`, `caddy_wechat_webhook_deliveries_total{result="sent",webhook="crm"}`,
	} {
		if was, is := lineOf(t, before, line), lineOf(t, metrics, line); was != is {
			t.Errorf("after a reload %s was %s", is, was)
		}
	}
	ours := strings.Join(regexp.MustCompile(`(?m)^caddy_wechat.*$`).FindAllString(metrics, -1), "\n")
	t.Log(ours)
	w.namesNobody(t, map[string]string{"the audit log": log, "the metrics": ours}, map[string]string{"user": user, "other user": other, "session": hong.cookie(w.site, "wechat")})
	if strings.Contains(ours, user[:8]) {
		t.Error("the metrics name a person")
	}
}

// namesNobody looks for what must not be in a text.
func (w *world) namesNobody(t *testing.T, texts, more map[string]string) {
	t.Helper()
	secrets := map[string]string{"push token": pushToken, "AES key": pushAESKey, "webhook secret": hookSecret, "app secret": appSecret, "nickname": "小"}
	maps.Copy(secrets, more)
	for _, person := range []string{"ming", "hong"} {
		secrets["openid of "+person], secrets["unionid of "+person] = w.wechat.OpenID(person, appID), w.wechat.UnionID(person, appID)
	}
	for what, secret := range secrets {
		for name, text := range texts {
			if strings.Contains(text, secret) {
				t.Errorf("%s has the %s", name, what)
			}
		}
	}
}

// decline opens an address that asks for consent, and taps the second button.
func (v *visitor) decline(address string) {
	v.t.Helper()
	a := v.open(address)
	action, fields := attribute(a.body, `<form[^>]*action="(/_wechat/decline[^"]*)"`), url.Values{}
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(a.body, -1) {
		fields.Set(attribute(input, `name="([^"]*)"`), attribute(input, `value="([^"]*)"`))
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {strings.TrimSuffix(resolve(v.t, address, "/"), "/")}}
	if d := v.send(http.MethodPost, resolve(v.t, a.url, action), fields.Encode(), header); d.StatusCode >= 400 || action == "" {
		v.t.Fatalf("declining: %s %.600s", d.Status, a.body)
	}
}

// auditLines waits for the lines of an audit log, checks what they say in
// short, and that nothing else is there, and returns the text.
func auditLines(t *testing.T, file string, want []string) (log string) {
	t.Helper()
	soon(t, "the audit log is written", 10*time.Second, func() bool {
		b, err := os.ReadFile(file)
		log = string(b)
		return err == nil && strings.Count(log, "\n") >= len(want)
	})
	var got []string
	for line := range strings.Lines(log) {
		var e struct{ Logger, Action, Account, Reason, User string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Logger != "http.handlers.wechat_auth.audit" {
			t.Errorf("not of the audit log: %v %s", err, line)
		}
		got = append(got, strings.Join(strings.Fields(strings.Join([]string{e.Action, e.Account, e.Reason, e.User}, " ")), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the audit log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return log
}
