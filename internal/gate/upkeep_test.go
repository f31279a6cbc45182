package gate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/profile"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const refreshPath = "/sns/oauth2/refresh_token"

// kept makes the town fetch profiles again: each one is old at once.
func kept(w *town) { w.keeps(w.hub) }

func (w *town) keeps(hub *site.Hub) *profile.Refresher {
	w.upkeep = &profile.Refresher{
		WeChat: hub.WeChat, Ledger: w.ledger, Keys: hub.Keys, MaxAge: time.Nanosecond, Logger: w.gate.Logger, Audit: w.gate.Audit,
	}
	hub.KeepGrants, hub.QueueProfileRefresh, hub.ProfileMaxAge = w.upkeep.Keep, w.upkeep.Stale, w.upkeep.MaxAge
	w.t.Cleanup(func() { _ = w.upkeep.Close() })
	return w.upkeep
}

// unasked makes the town fetch no profile behind the visits: a call that is
// given up may still be counted by WeChat a moment later.
func unasked(w *town) { w.hub.QueueProfileRefresh = func(ledger.Person, string) {} }

// anew is an upkeep that has tried nobody yet.
func (w *town) anew() { _ = w.upkeep.Close(); w.keeps(w.hub) }

// person is what the ledger knows of somebody.
func (w *town) person(name string) ledger.Person {
	w.t.Helper()
	p, err := w.ledger.FindOpenID(w.t.Context(), shopApp, w.weChat.OpenID(name, shopApp))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// soon waits until something is true.
func soon(t *testing.T, what string, true func() bool) {
	t.Helper()
	for range 1000 {
		if true() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within ten seconds", what)
}

func TestUpkeep(t *testing.T) {
	t.Parallel()
	w := newTown(t, kept)
	b := w.browser("alice")
	b.consents("/").last().upstream()
	if err := w.weChat.UpdatePerson(wechattest.Person{ID: "alice", Nickname: "小明二"}); err != nil {
		t.Fatal(err)
	}
	w.anew()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { b.script(http.MethodGet, "/") })
	}
	wg.Wait()
	soon(t, "the new nickname", func() bool {
		return b.script(http.MethodGet, "/").upstream().Header.Get("X-Wechat-Nickname") == "%E5%B0%8F%E6%98%8E%E4%BA%8C"
	})
	for range 20 {
		b.script(http.MethodGet, "/")
	}
	if n := w.weChat.CountCalls(refreshPath); n > 2 { // one by each upkeep
		t.Errorf("WeChat was asked %d times", n)
	}
}

// Whoever consented before the account was bound to an Open Platform account,
// and does not follow it, is one person with the mini program's at the next
// upkeep.
func TestUpkeepFindsTheUnionID(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, kept, crm)
	bind := func(platform string) {
		for _, a := range w.weChat.Accounts() {
			if a.AppID != shopApp {
				continue
			}
			a.Platform = platform
			if err := w.weChat.AddAccount(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	bind("")
	b := w.browser("alice")
	first := b.consents("/").last().upstream().Header
	mini := w.mini("alice").page("/").Header
	if first.Get("X-Wechat-Unionid") != "" || first.Get("X-Wechat-User") == mini.Get("X-Wechat-User") {
		t.Fatal("they are one already")
	}
	bind("platform")
	w.anew()
	w.told()
	soon(t, "one person", func() bool {
		h := b.script(http.MethodGet, "/").upstream().Header
		return h.Get("X-Wechat-Unionid") == mini.Get("X-Wechat-Unionid") && h.Get("X-Wechat-User") == first.Get("X-Wechat-User")
	})
	if got := w.mini("alice").page("/").Header.Get("X-Wechat-User"); got != first.Get("X-Wechat-User") {
		t.Errorf("the mini program is %s, the page %s", got, first.Get("X-Wechat-User"))
	}
	if got := brief(w.told()); len(got) == 0 || got[0] != "merged" {
		t.Errorf("told %q", got)
	}
}

// Attack: a stolen ledger. What is kept opens only with the keys, and only at
// the openid it was given for.
func TestAttackStolenGrants(t *testing.T) {
	t.Parallel()
	w := newTown(t, kept, unasked)
	w.browser("alice").consents("/")
	w.browser("carol").consents("/")
	stolen := w.person("alice").Accounts[0].Grant
	if len(stolen) == 0 {
		t.Fatal("nothing is kept")
	}
	for _, secret := range w.weChat.Issued() {
		if strings.Contains(string(stolen), secret) {
			t.Error("a token is kept as it is")
		}
	}
	carol := w.person("carol")
	if err := w.ledger.Renew(t.Context(), ledger.Observation{AppID: shopApp, OpenID: carol.Accounts[0].OpenID, Grant: stolen}); err != nil {
		t.Fatal(err)
	}
	calls := w.weChat.CountCalls(refreshPath)
	w.anew()
	if err := w.upkeep.Refetch(t.Context(), carol, shopApp); !errors.Is(err, profile.ErrNoGrant) {
		t.Errorf("%v", err)
	}
	if now, kept := w.weChat.CountCalls(refreshPath), w.person("carol").Accounts[0].Grant; now != calls || kept != nil {
		t.Errorf("a foreign grant is used, or kept: %d calls, then %d; kept %q", calls, now, kept)
	}
}

func TestGrantsThatAreNotKept(t *testing.T) {
	t.Parallel()
	w := newTown(t, kept)
	w.browser("alice").open("/") // silently: its token is of no use
	if p := w.person("alice"); p.Accounts[0].Grant != nil {
		t.Error("the token of a silent sign-in is kept")
	}
	for name, token := range map[string]wechat.Token{
		"silent":   {Scope: wechat.ScopeBase, OpenID: "o", RefreshToken: wechat.NewSecret("r")},
		"virtual":  {Scope: wechat.ScopeUserInfo, OpenID: "o", RefreshToken: wechat.NewSecret("r"), Snapshot: true},
		"no token": {Scope: wechat.ScopeUserInfo, OpenID: "o"},
		"too long": {Scope: wechat.ScopeUserInfo, OpenID: "o", RefreshToken: wechat.NewSecret(strings.Repeat("r", 5000))},
	} {
		if w.upkeep.Keep(token) != nil {
			t.Errorf("%s: it is kept", name)
		}
	}
}

// A grant that WeChat has ended is forgotten for good; one that it did not like
// to look at today is tried again another time.
func TestGrantIsOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		quirks wechattest.Quirks
		over   bool
	}{
		"expired":              {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 42002, Endpoint: wechattest.AtRefresh}}, true},
		"password changed":     {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 42007, Endpoint: wechattest.AtRefresh}}, true},
		"never valid":          {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40030, Endpoint: wechattest.AtRefresh}}, true},
		"taken back":           {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 50001, Endpoint: wechattest.AtUserInfo}}, true},
		"quota":                {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 45009, Endpoint: wechattest.AtRefresh}}, false},
		"not configured":       {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40013, Endpoint: wechattest.AtRefresh}}, false},
		"broken":               {wechattest.Quirks{HTTPStatus: wechattest.Number{Value: 500, Endpoint: wechattest.AtRefresh}}, false},
		"no profile today":     {wechattest.Quirks{HTTPStatus: wechattest.Number{Value: 500, Endpoint: wechattest.AtUserInfo}}, false},
		"busy, then well":      {wechattest.Quirks{Busy: wechattest.Knob{On: true, Endpoint: wechattest.AtRefresh, Next: 1}}, false},
		"half an answer":       {wechattest.Quirks{TruncatedJSON: wechattest.Knob{On: true, Endpoint: wechattest.AtRefresh}}, false},
		"connection cut":       {wechattest.Quirks{CutConnection: wechattest.Knob{On: true, Endpoint: wechattest.AtRefresh}}, false},
		"a profile in between": {wechattest.Quirks{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, kept, unasked)
			w.browser("alice").consents("/")
			if err := w.weChat.SetQuirks(c.quirks); err != nil {
				t.Fatal(err)
			}
			w.anew()
			before := w.person("alice")
			err := w.upkeep.Refetch(t.Context(), before, shopApp)
			after := w.person("alice")
			if over := errors.Is(err, profile.ErrNoGrant); over != c.over || (after.Accounts[0].Grant == nil) != c.over {
				t.Errorf("%v; %d bytes are kept", err, len(after.Accounts[0].Grant))
			}
			if after.Nickname != before.Nickname || !after.Consented(shopApp) {
				t.Errorf("the profile is %q", after.Nickname)
			}
			if !c.over {
				return
			}
			calls := w.weChat.CountCalls(refreshPath)
			for range 3 {
				w.upkeep.Stale(after, shopApp)
				w.upkeep.Stale(before, shopApp) // an identity from before
			}
			_ = w.upkeep.Close()
			if w.weChat.CountCalls(refreshPath) != calls {
				t.Error("WeChat is asked again")
			}
			if lines := w.log.lines(`"action":"forget"`); len(lines) != 1 {
				t.Errorf("audit %q", lines)
			}
		})
	}
}

// Attack: erased, and back again by the answer of a call that was under way.
func TestAttackUpkeepBringsNobodyBack(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(w *town, p ledger.Person) error{
		"erased": func(w *town, p ledger.Person) error { return w.ledger.Erase(t.Context(), p.ID) },
		"cancelled": func(w *town, p ledger.Person) error {
			_, _, err := w.ledger.Withdraw(t.Context(), ledger.Withdrawal{Kind: ledger.Cancelled, AppID: shopApp, OpenID: p.Accounts[0].OpenID, Account: true})
			return err
		},
		"consent taken back": func(w *town, p ledger.Person) error {
			_, _, err := w.ledger.Withdraw(t.Context(), ledger.Withdrawal{
				Kind: ledger.Revoked, AppID: shopApp, OpenID: p.Accounts[0].OpenID, Profile: true, Consent: true, Grant: true,
			})
			return err
		},
	} {
		w := newTown(t, kept)
		w.browser("alice").consents("/")
		_ = w.upkeep.Close()
		w.anew()
		p := w.person("alice")
		w.weChat.during(func() {
			if err := take(w, p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		if err := w.upkeep.Refetch(t.Context(), p, shopApp); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		p, err := w.ledger.FindOpenID(t.Context(), shopApp, p.Accounts[0].OpenID)
		if err == nil && (p.Nickname != "" || p.Accounts[0].Grant != nil) || name != "consent taken back" && !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s: back: %v", name, err)
		}
	}
}

// during runs something while WeChat is being asked for a profile, once.
func (c *weChat) during(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var once sync.Once
	c.hook = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/userinfo") {
			once.Do(do)
		}
		c.Server.ServeHTTP(w, r)
	}
}

// A name that WeChat has removed is to be cleared, not kept because nothing
// better came.
func TestRefetchOfARemovedName(t *testing.T) {
	t.Parallel()
	w := newTown(t, kept)
	w.browser("alice").consents("/")
	if err := w.upkeep.Refetch(t.Context(), w.person("alice"), shopApp); err != nil {
		t.Errorf("a good one: %v", err)
	}
	if err := w.weChat.UpdatePerson(wechattest.Person{ID: "alice", Nickname: "微信用户"}); err != nil {
		t.Fatal(err)
	}
	if err := w.upkeep.Refetch(t.Context(), w.person("alice"), shopApp); !errors.Is(err, profile.ErrNoProfile) {
		t.Errorf("removed: %v", err)
	}
	w.browser("carol").open("/")
	if err := w.upkeep.Refetch(t.Context(), w.person("carol"), shopApp); !errors.Is(err, profile.ErrNoGrant) {
		t.Errorf("never consented: %v", err)
	}
}

// countingLedger counts who is looked up, and answers when it is told to.
type countingLedger struct {
	profile.Ledger
	answer chan struct{}

	mu            sync.Mutex
	now, most, in int
}

func (l *countingLedger) Find(ctx context.Context, _ string) (ledger.Person, error) {
	l.mu.Lock()
	l.now++
	l.in++
	l.most = max(l.most, l.now)
	l.mu.Unlock()
	select {
	case <-l.answer:
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.now--
	l.mu.Unlock()
	return ledger.Person{}, ledger.ErrNotFound
}

// crowd has a crowd's profiles fetched.
func crowd(u *profile.Refresher, n int) {
	for i := range n {
		for _, appID := range []string{shopApp, otherApp} {
			a := ledger.Account{AppID: appID, ConsentAt: time.Now(), Grant: []byte("g")}
			u.Stale(ledger.Person{ID: fmt.Sprint(i), Accounts: []ledger.Account{a}}, shopApp)
		}
	}
}

// Attack: a crowd with old profiles. Nobody waits, a thousand are remembered,
// four are at work, and closing ends them.
func TestUpkeepIsBounded(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for _, answered := range []bool{true, false} {
		book := &countingLedger{answer: make(chan struct{})}
		u := &profile.Refresher{WeChat: w.hub.WeChat, Ledger: book, Keys: w.hub.Keys, MaxAge: time.Hour, Logger: w.gate.Logger}
		crowd(u, 5000)
		want := 4
		if answered {
			want = 1004 // those at work, and those who waited
			close(book.answer)
			soon(t, "all are served", func() bool {
				book.mu.Lock()
				defer book.mu.Unlock()
				return book.in >= 1000
			})
		}
		time.Sleep(50 * time.Millisecond)
		closing := time.Now()
		if err := u.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(closing); took > 5*time.Second || book.most > 4 || book.in > want || book.in < want-4 {
			t.Errorf("%s, %d at a time, %d in all", took, book.most, book.in)
		}
		crowd(u, 1) // closed: nobody is served
		if err := u.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
