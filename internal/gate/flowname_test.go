package gate_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// named returns the messages of the lines that have this name of a sign-in, in
// order, and the other lines that are about a sign-in.
func (w *town) named(name string) (with, without []string) {
	w.t.Helper()
	about := []string{
		"sign-in started", "sign-in restarted", "code not accepted", "signed in", "sign_in", "refuse", "sign-in denied by WeChat",
		"browser signed in by a phone", "unavailable", "handed over to a web-view", "the visitor refused to sign in at WeChat", "decline",
	}
	for _, text := range w.log.lines("") {
		var line struct{ Msg, Flow string }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			w.t.Fatal(err)
		}
		switch {
		case line.Flow == name:
			with = append(with, line.Msg)
		case slices.Contains(about, line.Msg):
			without = append(without, line.Msg+" flow="+line.Flow)
		}
	}
	return with, without
}

// lastName returns the name in the last line of the audit log.
func (w *town) lastName() string {
	w.t.Helper()
	lines := w.audited()
	if len(lines) == 0 {
		w.t.Fatal("the audit log has no line")
	}
	name, _ := lines[len(lines)-1]["flow"].(string)
	if len(name) != 8 {
		w.t.Fatalf("the flow of the last audit line is %q, want 8 characters", name)
	}
	return name
}

// wants fails if the lines with this name are others than these, or if a line
// about a sign-in has another name.
func (w *town) wants(name string, want ...string) {
	w.t.Helper()
	if with, without := w.named(name); !slices.Equal(with, want) || len(without) > 0 {
		w.t.Errorf("flow %s has the lines %q, want %q; other lines: %q", name, with, want, without)
	}
}

// All lines of one sign-in have one field, also those of a sign-in that was
// restarted because WeChat refused its code.
func TestLinesOfASignInShareTheirName(t *testing.T) {
	t.Parallel()
	w := quirked(t, atToken(40163, 1), scope(wechat.ScopeBase))
	w.browser("alice").open("/orders").last().upstream()
	w.wants(w.lastName(), "sign-in started", "code not accepted", "sign-in restarted", "sign-in started", "signed in", "sign_in")
}

// A refusal has the same name in both logs and on its page.
func TestLinesOfARefusalShareTheirName(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	w.weChat.answer(`{"errcode":40226,"errmsg":"code blocked, rid: 1"}`)
	h := w.browser("alice").open("/").last()
	name := w.lastName()
	if h.kind() != "denied" || !strings.Contains(h.body, name) {
		t.Errorf("page %q without the number %s", h.kind(), name)
	}
	w.wants(name, "sign-in started", "sign-in denied by WeChat", "refuse")
}

// Two sign-ins have two names.
func TestSignInsHaveTheirOwnNames(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	w.browser("alice").open("/").last().upstream()
	first := w.lastName()
	w.browser("bob").open("/").last().upstream()
	if second := w.lastName(); first == second {
		t.Errorf("both are named %s", first)
	}
}

// The lines of a mini program's sign-in share a name, and a client that repeats
// its request has the same one. It is no part of the code.
func TestLinesOfAMiniProgramShareTheirName(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.client("alice")
	w.weChat.answer(`{"errcode":40226,"errmsg":"code blocked, rid: 1"}`)
	for range 2 {
		c.ask(http.MethodPost, miniLogin, code{"011abcdefghijklmnopqrstuvwxyz012"}).refused(t, http.StatusForbidden, "blocked")
	}
	name := w.lastName()
	w.wants(name, "sign-in denied by WeChat", "refuse", "sign-in denied by WeChat", "refuse")
	if strings.Contains("011abcdefghijklmnopqrstuvwxyz012", name) {
		t.Errorf("the name %s is a part of the code", name)
	}
}

// The lines of a web-view's sign-in by a ticket share a name.
func TestLinesOfATicketShareTheirName(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	ticket := w.mini("alice").ticket()
	before := w.lastName()
	w.webView("alice").open("/?wechat_ticket="+ticket, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none").last().upstream()
	name := w.lastName()
	if with, _ := w.named(name); name == before || !slices.Equal(with, []string{"handed over to a web-view", "sign_in"}) {
		t.Errorf("flow %s has the lines %q", name, with)
	}
	if strings.Contains(ticket, name) {
		t.Errorf("the name %s is a part of the ticket", name)
	}
}

// The lines of a desktop's sign-in by a phone share a name, also those of the
// phone's own sign-in on the way.
func TestLinesOfAScanShareTheirName(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, scope(wechat.ScopeBase))
	s := w.desktop("carol").shows("/x")
	phone := w.browser("alice")
	phone.picks(phone.reads(s.code), s.number)
	s.open(s.next).last().upstream()
	w.wants(w.lastName(), "sign-in started", "sign-in started", "signed in", "sign_in", "browser signed in by a phone", "sign_in")
}
