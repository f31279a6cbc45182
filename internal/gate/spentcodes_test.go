package gate_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// blindLedger can be written, until it comes to it.
type blindLedger struct {
	*shakyLedger
	blind atomic.Bool
}

func (l *blindLedger) Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error) {
	if l.blind.Load() {
		return ledger.Person{}, ledger.ErrUnavailable
	}
	return l.shakyLedger.Observe(ctx, s)
}

// Unavailable is not absent: a ledger that cannot be written is found out
// before WeChat's code is spent, and the same callback arrives afterwards.
func TestNoCodeIsSpentWhileTheLedgerIsDown(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	callback := b.until("/page")
	w.ledger.fail(ledger.ErrUnavailable)
	if h := b.send(http.MethodGet, callback, ""); h.status != http.StatusServiceUnavailable || h.kind() != "unavailable" {
		t.Errorf("%d %q", h.status, h.kind())
	}
	if n := w.weChat.CountCalls(exchangePath); n != 0 {
		t.Errorf("the code was spent %d times", n)
	}
	w.ledger.fail(nil)
	if h := b.send(http.MethodGet, callback, ""); h.status != http.StatusSeeOther || b.session() == "" {
		t.Errorf("afterwards: %d %q", h.status, h.kind())
	}
}

// A store that goes down behind the exchange costs the visitor a reload, and
// not another dance: what WeChat said is known still, to this dance alone.
func TestSpentCodesAreNotLost(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"ledger", "store"} {
		w := newTown(t, doors)
		book, store := &blindLedger{shakyLedger: w.ledger}, &fullStore{Store: w.store}
		w.hub.Ledger, w.hub.Store = book, store
		down := func(is bool) { book.blind.Store(is && part == "ledger"); store.full = is && part == "store" }

		b, other := w.browser("alice"), w.browser("alice")
		callback := b.until("/page")
		login := code{w.weChat.MiniProgramCode("bob", miniApp)}
		down(true)
		if h := b.send(http.MethodGet, callback, ""); h.kind() != "unavailable" {
			t.Errorf("%s: %d %q", part, h.status, h.kind())
		}
		c := w.client("bob")
		if got := c.ask(http.MethodPost, miniLogin, login); got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", part, got.status, got.body)
		}
		down(false)
		// Another dance gets nothing by this one's code.
		ours, theirs := mustParse(t, callback), mustParse(t, other.until("/page"))
		q := theirs.Query()
		q.Set("code", ours.Query().Get("code"))
		theirs.RawQuery = q.Encode()
		if h := other.send(http.MethodGet, theirs.String(), ""); other.session() != "" {
			t.Errorf("%s: another dance: %d %q", part, h.status, h.kind())
		}
		calls := w.weChat.CountCalls(exchangePath)
		if h := b.send(http.MethodGet, callback, ""); h.status != http.StatusSeeOther || b.session() == "" {
			t.Errorf("%s: afterwards: %d %q", part, h.status, h.kind())
		}
		if got := c.ask(http.MethodPost, miniLogin, login); got.status != http.StatusOK {
			t.Errorf("%s: afterwards: %d %s", part, got.status, got.body)
		}
		if n := w.weChat.CountCalls(exchangePath); n != calls {
			t.Errorf("%s: the code was spent again", part)
		}
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What somebody takes back while WeChat is being asked does not come back by
// WeChat's answer: neither profile and consent, nor a phone number.
func TestWithdrawnWhileWeChatIsAsked(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	withdraw := func(appID, person string) {
		// The second of the question counts as before it.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		_, done, err := w.ledger.Withdraw(t.Context(), ledger.Withdrawal{
			Kind: ledger.Revoked, AppID: appID, OpenID: w.weChat.OpenID(person, appID), Profile: true, Phone: true, Consent: true, Grant: true, End: true,
			At: time.Now(), Until: time.Now().Add(time.Hour),
		})
		if err != nil || !done {
			t.Errorf("%v %v", done, err)
		}
	}
	b := w.browser("alice")
	b.open("/")
	w.weChat.before("/sns/userinfo", func() { withdraw(shopApp, "alice") })
	w.weChat.SetConsent("alice", shopApp, true)
	callback := b.until("/_wechat/login?return_to=/&scope=" + userinfo)
	b.send(http.MethodGet, callback, "")
	if p := w.person("alice"); p.Nickname != "" || p.AvatarURL != "" || p.Consented(shopApp) {
		t.Errorf("withdrawn, and there again: %+v", p)
	}
	c := w.mini("bob")
	w.weChat.before("/wxa/business/getuserphonenumber", func() { withdraw(miniApp, "bob") })
	if got := c.ask(http.MethodPost, miniPhone, code{w.weChat.PhoneCode("bob", miniApp)}); got.status != http.StatusUnauthorized {
		t.Errorf("the phone number: %d %s", got.status, got.body)
	}
	p, err := w.ledger.FindOpenID(t.Context(), miniApp, w.weChat.OpenID("bob", miniApp))
	if err != nil || slices.ContainsFunc(p.Accounts, func(a ledger.Account) bool { return a.Phone != "" }) {
		t.Errorf("%+v, %v", p, err)
	}
}
