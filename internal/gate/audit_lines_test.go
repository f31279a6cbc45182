package gate_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// audited are the audit lines of a town, in order.
func (w *town) audited() (lines []map[string]any) {
	w.t.Helper()
	for _, text := range w.log.lines(`"log":"audit"`) {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// One line for each sign-in, step-up, decline and logout, and none for a visit.
// That no openid is in them is checked at the end of every test.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	w := newTown(t, stepUp, rules(allowDeclined))
	b := w.browser("alice")
	b.open("/")
	first, err := w.store.Load(t.Context(), b.session(), session.Binding{Site: shop, AppID: shopApp, Audience: session.Cookie})
	if err != nil {
		t.Fatal(err)
	}
	b.open("/account")
	b.form("/_wechat/decline", nil)
	v := b.open("/_wechat/login?return_to=/account&scope=snsapi_userinfo")
	b.decide(v.last(), "allow")
	b.open("/account").last().upstream()
	b.form("/_wechat/logout", nil)
	var actions []string
	for _, line := range w.audited() {
		actions = append(actions, line["action"].(string))
		for _, name := range []string{"user", "session"} {
			if text, _ := line[name].(string); len(text) != 8 {
				t.Errorf("%s: %s %q", line["action"], name, text)
			}
		}
		if line["account"] != "main" || line["client"] != "wechat_ios" || line["site"] != shop {
			t.Errorf("%v", line)
		}
	}
	if want := []string{"sign_in", "decline", "step_up", "logout"}; !slices.Equal(actions, want) {
		t.Fatalf("%q, want %q", actions, want)
	}
	lines := w.audited()
	if lines[0]["session"] != first.ID.Short() || lines[1]["session"] != lines[0]["session"] || lines[3]["session"] != lines[2]["session"] ||
		lines[2]["session"] == lines[0]["session"] || lines[0]["scope"] != base || lines[2]["scope"] != userinfo || lines[3]["reason"] != "visitor" {
		t.Errorf("%v", lines)
	}
}

// A second step that somebody else took on the same phone is their sign-in.
func TestAuditOfAnotherPerson(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	b.holds("bob")
	b.open("/_wechat/login?return_to=/&scope=snsapi_userinfo") // who follows the account is not asked
	lines := w.audited()
	if len(lines) != 2 || lines[1]["action"] != "sign_in" || lines[0]["user"] == lines[1]["user"] {
		t.Errorf("%v", lines)
	}
}

func TestAuditOfARefusal(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	w.weChat.answer(`{"errcode":40226,"errmsg":"code blocked, rid: 1"}`)
	if h := w.browser("alice").open("/").last(); h.kind() != "denied" {
		t.Fatalf("%d %q", h.status, h.kind())
	}
	if lines := w.audited(); len(lines) != 1 || lines[0]["action"] != "refuse" || lines[0]["reason"] != "wechat" || lines[0]["user"] != nil {
		t.Errorf("%v", lines)
	}
}

// Without an audit log everything works as before.
func TestWithoutAudit(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.gate.Audit = audit.Log{} })
	b := w.browser("alice")
	b.open("/").last().upstream()
	if h := b.form("/_wechat/logout", nil); h.status != http.StatusOK {
		t.Errorf("%d", h.status)
	}
}
