package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// awayLedger is a store that is down until it is not.
type awayLedger struct{ back atomic.Bool }

func (l *awayLedger) Withdraw(context.Context, ledger.Withdrawal) (ledger.Person, bool, error) {
	if l.back.Load() {
		return ledger.Person{}, true, nil
	}
	return ledger.Person{}, false, ledger.ErrUnavailable
}

func (*awayLedger) Follow(context.Context, ledger.Following) (ledger.Person, error) {
	return ledger.Person{}, ledger.ErrUnavailable
}

func (*awayLedger) FindUnionID(context.Context, string) (ledger.Person, error) {
	return ledger.Person{}, ledger.ErrUnavailable
}

// A reload while the store is down must not lose what WeChat told before it:
// WeChat has its `success`, and will not tell it again. What is not done within
// the hour waits in the journal.
func TestReloadKeepsWaitingPushes(t *testing.T) {
	for name, c := range map[string]struct {
		down time.Duration // from the reload on
		kept bool
	}{
		"back in time": {30 * time.Minute, false},
		"never back":   {24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			ring, err := session.NewRing(strings.Repeat("k", 48))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				store, counts := new(awayLedger), new(push.Counts)
				token := wechat.NewSecret("tokenOfTheTest1")
				app := &App{logger: slog.New(slog.DiscardHandler)}
				journal := newPushJournal(ring)
				app.pushes = &push.Handler{Ledger: store, Journal: journal, Accounts: map[string]*push.Account{
					"main": {Name: "main", Kind: wechat.OfficialAccount, Counts: counts, Keys: wechat.PushKeys{Tokens: []wechat.Secret{token}, AppID: "wx1"}},
				}}
				stamp := strconv.FormatInt(time.Now().Unix(), 10)
				query := url.Values{"timestamp": {stamp}, "nonce": {"1"}, "signature": {wechat.PushSignature(token, stamp, "1")}}
				body := "<xml><MsgType>event</MsgType><Event>user_authorization_cancellation</Event><OpenID>o1</OpenID></xml>"
				w := httptest.NewRecorder()
				app.pushes.Serve(w, httptest.NewRequest(http.MethodPost, "/?"+query.Encode(), strings.NewReader(body)), "main")
				if w.Body.String() != "success" || counts.Waiting.Load() != 1 {
					t.Fatalf("%d %q, %d wait", w.Code, w.Body, counts.Waiting.Load())
				}
				time.AfterFunc(c.down, func() { store.back.Store(true) })
				released := make(chan struct{})
				go app.linger(func() error { defer close(released); return app.closeHelpers() })
				<-released
				kept := 0
				if err := journal.Each(func(string, []byte) { kept++ }); err != nil {
					t.Error(err)
				}
				if kept == 1 != c.kept || counts.Acted.Load() == 1 == c.kept || counts.Lost.Load() != 0 {
					t.Errorf("%d acted on, %d kept, %d lost", counts.Acted.Load(), kept, counts.Lost.Load())
				}
			})
		})
	}
}
