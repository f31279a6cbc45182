package gate_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// logged is a line of the log, as far as outages go.
type logged struct {
	Level, Msg, What, Call, Effect, Effects, Account, RID string
	Failures, Errcode                                     int
}

// said returns the lines about failures that an operator reads at INFO.
func (w *town) said() (all []logged) {
	w.t.Helper()
	for _, line := range w.log.lines("") {
		var l logged
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatalf("%q: %v", line, err)
		}
		if l.Level != "DEBUG" && (l.Level != "INFO" || l.Msg == "available again") {
			all = append(all, l)
		}
	}
	return all
}

// Attack: an outage, or a flood during one, fills the disk with log lines.
// There is one when it begins, one a minute with the number of failures, one
// when it ends.
func TestAttackAnOutageFillsTheLog(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for _, row := range []struct {
		name, what, call string
		fail             func(*town) // nothing is mended by it
		ask              func(*browser)
	}{
		{"pages", "session store", "", storeFails, func(b *browser) { b.send(http.MethodGet, "/", "") }},
		{"scripts", "session store", "", storeFails, func(b *browser) { b.script(http.MethodGet, "/_wechat/session") }},
		{"logins", "session store", "", storeFails, func(b *browser) { b.send(http.MethodGet, "/_wechat/login?return_to=/x", "") }},
		{"a store that does not say so", "session store", "", func(w *town) { w.store.fail(context.DeadlineExceeded) }, func(b *browser) { b.send(http.MethodGet, "/", "") }},
		{"persons", "ledger", "", func(w *town) {
			w.reload() // the person is asked for anew
			w.ledger.fail(fmt.Errorf("bolt: %w", ledger.ErrUnavailable))
		}, func(b *browser) { b.send(http.MethodGet, "/", "") }},
		{"invented codes at a login", "ledger", "write", func(w *town) {
			w.ledger.fail(fmt.Errorf("bolt: %w", ledger.ErrUnavailable))
		}, func(b *browser) {
			b.send(http.MethodPost, miniLogin, `{"code":"`+rand.Text()+`"}`, "Content-Type", "application/json")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bobs := code{c.MiniProgramCode("bob", miniApp)} // by WeChat's clock
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), doors, func(w *town) { w.inside, w.hub.StoreHasCache = true, true })
				b := w.browser("alice")
				b.open("/").last().upstream()
				before := len(w.said())
				row.fail(w)
				requests := 1000
				if row.name == "pages" {
					requests = 10_000
				}
				for range requests {
					row.ask(b)
					time.Sleep(5 * time.Minute / time.Duration(requests))
				}
				w.store.fail(nil)
				w.ledger.fail(nil)
				time.Sleep(5 * time.Second)
				b.open("/").last().upstream()
				w.client("bob").ask(http.MethodPost, miniLogin, bobs)
				lines := w.said()[before:]
				if len(lines) < 6 || len(lines) > 7 {
					t.Fatalf("%d lines: %+v", len(lines), lines)
				}
				first, last, counted := lines[0], lines[len(lines)-1], 1
				if first.Level != "ERROR" || first.Msg != "unavailable" || first.What != row.what || first.Call != row.call || first.Effect == "" {
					t.Errorf("the first: %+v", first)
				}
				for _, l := range lines[1 : len(lines)-1] {
					if counted += l.Failures; l.Level != "ERROR" || l.Msg != "still unavailable" || l.What != row.what || l.Effects == "" {
						t.Errorf("while it lasts: %+v", l)
					}
				}
				if last.Level != "INFO" || last.Msg != "available again" || last.What != row.what || last.Failures < requests || counted > last.Failures {
					t.Errorf("the last: %+v, counted %d", last, counted)
				}
			})
		})
	}
}

func storeFails(w *town) { w.store.fail(fmt.Errorf("redis: %w", session.ErrUnavailable)) }

// What one visitor meets is a line of its own, with what WeChat's support asks
// for; but a flood of them is not (attack: invented codes fill the log).
func TestAttackInventedCodesFillTheLog(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
		c.answer(`{"errcode":40125,"errmsg":"invalid appsecret, rid: 63fdd7f1-1a2b3c4d-5e6f7a8b"}`)
		defer c.answer("")
		const requests = 3000
		b := w.browser("alice")
		for range requests {
			b.send(http.MethodPost, miniLogin, `{"code":"`+rand.Text()+`"}`, "Content-Type", "application/json")
			time.Sleep(20 * time.Millisecond) // a minute in all
		}
		lines := w.said()
		if len(lines) < 30 || len(lines) > 40 {
			t.Errorf("%d lines of %d requests", len(lines), requests)
		}
		for _, l := range lines {
			if l.Level != "ERROR" || l.Msg != "the account is misconfigured" || l.Errcode != 40125 || l.RID == "" || l.Account != "mini" {
				t.Fatalf("%+v", l)
			}
		}
	})
}

// WeChat is down for one account: one line when it begins, with errcode and
// rid, one when it ends, and nothing about the other accounts.
func TestAnOutageOfWeChatIsOfOneAccount(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	bobs, alices := code{c.MiniProgramCode("bob", miniApp)}, code{c.MobileCode("alice", mobileApp)}
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
		c.answer(`{"errcode":45011,"errmsg":"api minute-quota reach limit rid: 63fdd7f1-1a2b3c4d-5e6f7a8b"}`)
		b := w.browser("alice")
		for range 100 {
			b.send(http.MethodPost, mobileLogin, `{"code":"`+rand.Text()+`"}`, "Content-Type", "application/json")
			time.Sleep(time.Second)
		}
		c.answer("")
		time.Sleep(5 * time.Second)
		w.client("bob").ask(http.MethodPost, miniLogin, bobs) // another account: says nothing about this one
		if lines := w.said(); len(lines) != 2 || lines[0].What != "WeChat" || lines[0].Account != "app" || lines[0].Errcode != 45011 || lines[0].RID == "" || lines[1].Failures < 50 {
			t.Errorf("%+v", lines)
		}
		w.client("alice").ask(http.MethodPost, mobileLogin, alices)
		if lines := w.said(); len(lines) != 3 || lines[2].Msg != "available again" || lines[2].Account != "app" || lines[2].Failures != 100 {
			t.Errorf("%+v", lines)
		}
	})
}

// hangingRenewals hangs in Renew until it is let go, or told to give up.
type hangingRenewals struct {
	session.Store
	hang chan struct{}
}

func (s *hangingRenewals) Renew(ctx context.Context, v *session.Session) (string, error) {
	select {
	case <-s.hang:
		return s.Store.Renew(ctx, v)
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", session.ErrUnavailable, ctx.Err())
	}
}

// Attack: whoever slows the store down slows down every page. A visitor whose
// session is due for renewal does not wait for a store that hangs, and is
// renewed later.
func TestAttackAHangingStoreSlowsEveryPageDown(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, ask := range map[string]func(b *browser, mini *client) (renewed bool){
		"a page":  func(b *browser, _ *client) bool { return len(b.open("/").last().header["Set-Cookie"]) > 0 },
		"a token": func(_ *browser, c *client) bool { return c.ask(http.MethodGet, "/_wechat/session", nil).Token != "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bobs := code{c.MiniProgramCode("bob", miniApp)}
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), doors, func(w *town) { w.inside = true })
				slow := &hangingRenewals{w.store.Store, make(chan struct{})}
				w.store.Store = slow
				b, mini := w.browser("alice"), w.client("bob")
				mini.token = mini.ask(http.MethodPost, miniLogin, bobs).Token
				b.open("/").last().upstream()
				time.Sleep(24*time.Hour + time.Minute)
				begun := time.Now()
				for range 50 {
					if ask(b, mini) {
						t.Fatal("renewed by a store that hangs")
					}
				}
				if took := time.Since(begun); took > 100*time.Millisecond {
					t.Errorf("fifty pages waited for %s", took)
				}
				close(slow.hang)
				time.Sleep(3 * time.Second)
				if !ask(b, mini) {
					t.Error("not renewed when the store is quick again")
				}
				if lines := w.said(); len(lines) != 0 {
					t.Errorf("%+v", lines)
				}
			})
		})
	}
}

// Attack: who keeps the store failing now and then has everybody signed out
// when their time is over. A session that has lived for more than half of its
// time is renewed even then.
func TestAttackAFailingStoreLetsSessionsExpire(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		shaky := &failingStore{Store: w.store}
		w.hub.Store = shaky
		b := w.browser("alice")
		b.open("/")
		time.Sleep(3 * 24 * time.Hour)
		if h := b.open("/").last(); len(h.header["Set-Cookie"]) != 0 {
			t.Error("renewed while the store is failing, with days left")
		}
		time.Sleep(24 * time.Hour)
		if h := b.open("/").last(); len(h.header["Set-Cookie"]) != 1 {
			t.Error("not renewed")
		}
	})
}

// failingStore says that it fails now and then.
type failingStore struct{ session.Store }

func (*failingStore) Failing() bool { return true }
