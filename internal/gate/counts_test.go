package gate_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
	"github.com/caddy-wechat/gateway/session"
)

// counting counts what the site does, for the accounts that it has by now.
func counting(w *town) {
	w.hub.Counts = new(site.Counts)
	w.hub.Counts.AddAccounts(append(w.gate.OtherAccounts, w.gate.Account))
}

// tally is what was counted, without what is 0.
type tally map[string]uint64

func (w *town) tally() tally {
	all := tally{}
	add := func(what string, n uint64) {
		if n > 0 {
			all[what] = n
		}
	}
	c := w.hub.Counts
	for name, table := range map[string]*counters.Table[counters.Counter]{
		"begun": &c.SignIns.Begun, "ended": &c.SignIns.Ended, "step": &c.SignIns.StepUps, "made": &c.SignIns.Sessions, "renewed": &c.Renewed, "over": &c.Ended,
	} {
		table.Each(func(values []string, n *counters.Counter) { add(name+" "+strings.Join(values, " "), n.Load()) })
	}
	c.EachDecision(add)
	return all
}

// want fails unless exactly this was counted, decisions aside.
func (all tally) want(t *testing.T, want tally) {
	t.Helper()
	got := maps.Clone(all)
	maps.DeleteFunc(got, func(what string, _ uint64) bool { return !strings.Contains(what, " ") })
	if !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// Every way to sign in is counted where it begins and where it ends.
func TestEveryWayIsCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes []func(*town)
		do      func(w *town)
		want    tally
	}{
		"in WeChat": {
			nil, func(w *town) { w.browser("alice").open("/x").last().upstream() },
			tally{"begun main browser": 1, "ended main browser signed_in": 1, "made main": 1},
		},
		"second hit": {nil, func(w *town) {
			b := w.browser("alice")
			callback := b.until("/x")
			b.send(http.MethodGet, callback, "")
			b.send(http.MethodGet, callback, "")
		}, tally{"begun main browser": 1, "ended main browser signed_in": 1, "made main": 1}},
		"two tabs": {nil, func(w *town) {
			b := w.browser("alice")
			first := b.until("/x")
			b.open("/y")
			b.send(http.MethodGet, first, "")
		}, tally{"begun main browser": 2, "ended main browser signed_in": 1, "ended main browser already": 1, "made main": 1}},
		"consent": {
			[]func(*town){scope(wechat.ScopeUserInfo)},
			func(w *town) { w.browser("alice").consents("/x") },
			tally{
				"begun main browser": 1, "ended main browser signed_in": 1, "begun main consent": 1, "ended main consent signed_in": 1,
				"made main": 2, "step main asked": 1, "step main sent": 1, "step main given": 1, "over replaced": 1,
			},
		},
		"decline": {[]func(*town){scope(wechat.ScopeUserInfo), rules(allowDeclined)}, func(w *town) {
			b := w.browser("alice")
			b.open("/x")
			b.declines()
		}, tally{
			"begun main browser": 1, "ended main browser signed_in": 1, "begun main consent": 1, "ended main consent declined": 1,
			"made main": 1, "step main asked": 1, "step main sent": 1, "step main declined": 1,
		}},
		"website": {[]func(*town){website}, func(w *town) {
			b := w.desktop("alice")
			b.send(http.MethodGet, b.confirms(b.qrPage("/x"), true).location(), "")
		}, tally{"begun pc website": 1, "ended pc website signed_in": 1, "made pc": 1}},
		"website, refused": {
			[]func(*town){website},
			func(w *town) { w.desktop("alice").qrPage("/x") },
			tally{"begun pc website": 1},
		},
		"scan": {[]func(*town){scanning}, func(w *town) {
			s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
			phone.picks(phone.reads(s.code), s.number)
			s.open(s.next).last().upstream()
		}, tally{"begun main scan": 1, "ended main scan signed_in": 1, "begun main browser": 1, "ended main browser signed_in": 1, "made main": 2}},
		"scan, refused": {[]func(*town){scanning}, func(w *town) {
			s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
			page := phone.reads(s.code)
			for _, number := range choices(page) {
				if number != s.number {
					phone.picks(page, number)
					break
				}
			}
			s.open(s.next)
		}, tally{"begun main scan": 1, "ended main scan declined": 1, "begun main browser": 1, "ended main browser signed_in": 1, "made main": 1}},
		"mini program": {
			[]func(*town){doors},
			func(w *town) { w.mini("alice") },
			tally{"begun mini mini_program": 1, "ended mini mini_program signed_in": 1, "made mini": 1},
		},
		"mobile app": {[]func(*town){doors}, func(w *town) {
			w.client("alice").ask(http.MethodPost, mobileLogin, code{w.weChat.IssueCode("alice", mobileApp, userinfo)})
		}, tally{"begun app mobile_app": 1, "ended app mobile_app signed_in": 1, "made app": 1}},
		"mobile app, declined": {[]func(*town){doors}, func(w *town) {
			w.client("alice").ask(http.MethodPost, "/_wechat/mobile-app/app/declined", map[string]int{"code": -4})
		}, tally{"begun app mobile_app": 1, "ended app mobile_app declined": 1}},
		"ticket": {[]func(*town){doors}, func(w *town) {
			c := w.mini("alice")
			w.webView("alice").open("/page?wechat_ticket=" + c.ticket()).last().upstream()
		}, tally{"begun mini mini_program": 1, "ended mini mini_program signed_in": 1, "begun mini ticket": 1, "ended mini ticket signed_in": 1, "made mini": 2}},
		"ticket after the logout": {[]func(*town){doors}, func(w *town) {
			c := w.mini("alice")
			ticket := c.ticket()
			c.ask(http.MethodPost, "/_wechat/logout", nil)
			w.webView("alice").send(http.MethodGet, "/page?wechat_ticket="+ticket, "")
		}, tally{"begun mini mini_program": 1, "ended mini mini_program signed_in": 1, "begun mini ticket": 1, "ended mini ticket expired": 1, "made mini": 1, "over visitor": 1}},
		"logout": {nil, func(w *town) {
			b := w.browser("alice")
			b.open("/x").last().upstream()
			b.script(http.MethodPost, "/_wechat/logout")
		}, tally{"begun main browser": 1, "ended main browser signed_in": 1, "made main": 1, "over visitor": 1}},
		"another person": {nil, func(w *town) {
			b := w.browser("alice")
			b.open("/x").last().upstream()
			b.drop("__Host-wechat")
			b.holds("carol")
			b.open("/x").last().upstream()
		}, tally{"begun main browser": 2, "ended main browser signed_in": 2, "made main": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, append(append([]func(*town){scope(wechat.ScopeBase)}, c.changes...), counting)...)
			c.do(w)
			w.tally().want(t, c.want)
		})
	}
}

// A sign-in that fails is counted by its cause, once for each time that it
// fails.
func TestFailedSignInsAreCounted(t *testing.T) {
	t.Parallel()
	open := func(w *town) { w.browser("alice").open("/x") }
	quirks := func(q wechattest.Quirks) func(*town) {
		return func(w *town) {
			if err := w.weChat.SetQuirks(q); err != nil {
				w.t.Fatal(err)
			}
			open(w)
		}
	}
	for name, c := range map[string]struct {
		do   func(w *town)
		want tally
	}{
		"used code": {quirks(atToken(40163, 1)), tally{"begun main browser": 2, "ended main browser code_refused": 1, "ended main browser signed_in": 1, "made main": 1}},
		"secret":    {quirks(atToken(40125, 0)), tally{"begun main browser": 1, "ended main browser wechat_error": 1}},
		"quota":     {quirks(atToken(45009, 0)), tally{"begun main browser": 1, "ended main browser wechat_error": 1}},
		"blocked":   {quirks(atToken(40226, 0)), tally{"begun main browser": 1, "ended main browser refused": 1}},
		"busy":      {quirks(busy(0)), tally{"begun main browser": 1, "ended main browser wechat_unavailable": 1}},
		"unreachable": {func(w *town) {
			w.hub.WeChat.APIURL = "http://127.0.0.1:1"
			open(w)
		}, tally{"begun main browser": 1, "ended main browser wechat_unavailable": 1}},
		"garbage":  {func(w *town) { w.weChat.answer("<html>"); open(w) }, tally{"begun main browser": 1, "ended main browser wechat_unavailable": 1}},
		"snapshot": {func(w *town) { w.weChat.answer(virtual); open(w) }, tally{"begun main browser": 1, "ended main browser snapshot": 1}},
		"store, before the code": {func(w *town) {
			b := w.browser("alice")
			callback := b.until("/x")
			b.plant("/", "__Host-wechat", strings.Repeat("x", 60))
			w.store.fail(session.ErrUnavailable)
			b.send(http.MethodGet, callback, "")
			w.store.fail(nil)
		}, tally{"begun main browser": 1, "ended main browser store_unavailable": 1}},
		"store, after the code": {func(w *town) {
			b := w.browser("alice")
			callback := b.until("/x")
			w.weChat.before(exchangePath, func() { w.store.fail(session.ErrUnavailable) })
			b.send(http.MethodGet, callback, "")
			w.store.fail(nil)
		}, tally{"begun main browser": 1, "ended main browser store_unavailable": 1}},
		"no code": {func(w *town) {
			b := w.browser("alice")
			flow, state := parts(w.t, b.until("/x"))
			b.send(http.MethodGet, flow+"?state="+state, "")
		}, tally{"begun main browser": 1, "ended main browser declined": 1}},
		"no cookie": {func(w *town) {
			callback := w.browser("alice").until("/x")
			w.browser("carol").send(http.MethodGet, callback, "")
		}, tally{"begun main browser": 2, "ended main browser cookie_missing": 1}},
		"other state": {func(w *town) {
			b := w.browser("alice")
			flow, _ := parts(w.t, b.until("/x"))
			b.send(http.MethodGet, flow+"?code=C&state=x", "")
		}, tally{"begun main browser": 2, "ended main browser invalid": 1}},
		"garbled address": {func(w *town) {
			w.browser("alice").send(http.MethodGet, "/_wechat/callback/x/y?code=C&state=x", "")
		}, tally{"begun main browser": 1, "ended main browser invalid": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), counting)
			c.do(w)
			w.tally().want(t, c.want)
		})
	}
}

// Hits that arrive together are one sign-in, also if it fails.
func TestHitsThatArriveTogetherAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), counting)
	if err := w.weChat.SetQuirks(atToken(40226, 0)); err != nil {
		t.Fatal(err)
	}
	b := w.browser("alice")
	callback := b.until("/x")
	var hits []chan int
	w.weChat.before(exchangePath, func() { time.Sleep(300 * time.Millisecond) })
	for range 4 {
		done := make(chan int, 1)
		hits = append(hits, done)
		go func() { done <- b.send(http.MethodGet, callback, "").status }()
	}
	for _, done := range hits {
		<-done
	}
	got, calls := w.tally()["ended main browser refused"], w.weChat.CountCalls(exchangePath)
	if got != uint64(calls) || calls == 0 {
		t.Errorf("%d counted, WeChat was asked %d times", got, calls)
	}
}

// A mini program's client that repeats a spent code begins a sign-in, which
// ends at once.
func TestSpentCodesOfClientsAreCounted(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, counting)
	once := w.weChat.MiniProgramCode("alice", miniApp)
	login := func(nonce string) {
		w.client("alice").ask(http.MethodPost, miniLogin, map[string]string{"code": once, "nonce": strings.Repeat(nonce, 16)})
	}
	login("a")
	login("a") // the same answer
	login("b") // refused
	w.tally().want(t, tally{"begun mini mini_program": 2, "ended mini mini_program signed_in": 1, "ended mini mini_program code_refused": 1, "made mini": 1})
}

// Each request has one decision.
func TestEachRequestHasOneDecision(t *testing.T) {
	t.Parallel()
	type ask func(w *town, b *browser)
	navigate := func(path string, headers ...string) ask {
		return func(_ *town, b *browser) { b.send(http.MethodGet, path, "", headers...) }
	}
	for name, c := range map[string]struct {
		changes []func(*town)
		do      ask
		want    string
	}{
		"begin":   {nil, navigate("/x"), "begin"},
		"script":  {nil, navigate("/x", "Accept", "*/*"), "refuse"},
		"public":  {[]func(*town){func(w *town) { w.access["/x"] = site.Public }}, navigate("/x"), "pass_anonymous"},
		"outside": {nil, navigate("/x", "User-Agent", desktopUA), "explain_outside"},
		"scan":    {[]func(*town){scanning}, navigate("/x", "User-Agent", desktopUA), "show_scan"},
		"token": {[]func(*town){doors}, func(w *town, _ *browser) {
			c := w.client("alice")
			c.token = "wxt_mini.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			c.ask(http.MethodGet, "/x", nil)
		}, "refuse_token"},
		"form": {[]func(*town){preserve(site.PreserveOn)}, func(_ *town, b *browser) {
			b.send(http.MethodPost, "/x", "a=b", "Origin", shop, "Content-Type", "application/x-www-form-urlencoded")
		}, "keep_form"},
		"ticket": {[]func(*town){doors}, navigate("/x?wechat_ticket=t"), "ticket"},
		"store": {nil, func(w *town, b *browser) {
			b.plant("/", "__Host-wechat", strings.Repeat("x", 60))
			w.store.fail(session.ErrUnavailable)
			b.send(http.MethodGet, "/x", "")
		}, "store_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, append(append([]func(*town){scope(wechat.ScopeBase)}, c.changes...), counting)...)
			c.do(w, w.browser("alice"))
			got := w.tally()
			maps.DeleteFunc(got, func(what string, _ uint64) bool { return strings.Contains(what, " ") })
			if len(got) != 1 || c.want != "" && got[c.want] != 1 {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
	t.Run("signed in", func(t *testing.T) {
		t.Parallel()
		w := newTown(t, scope(wechat.ScopeUserInfo), rules(func(r *site.Rules) { r.ConsentRedirect = false }), counting)
		b := w.browser("alice")
		b.consents("/x")
		before := w.tally()["pass"]
		b.open("/x").last().upstream()
		if got := w.tally()["pass"]; got != before+1 || w.tally()["ask_consent"] != 1 {
			t.Errorf("%v after %d", fmt.Sprint(w.tally()), before)
		}
	})
}
