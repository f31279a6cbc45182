package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A push that waits for a ledger that is down is sealed anew when a session key
// is replaced, also when a reload has replaced the configuration that took it.
func TestReplacedConfigurationSealsPushesAnew(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, ring := new(awayLedger), new(session.Ring)
		app := &App{logger: slog.New(slog.DiscardHandler), storage: keyStorage{&certmagic.FileStorage{Path: folder}}}
		app.policy.Lifetime = time.Hour
		if err := app.openKeys(t.Context(), ring); err != nil {
			t.Fatal(err)
		}
		app.hub.Store(&site.Hub{Keys: ring})
		token, journal := wechat.NewSecret("tokenOfTheTest1"), newPushJournal(ring)
		app.pushes = &push.Handler{Ledger: store, Journal: journal, Accounts: map[string]*push.Account{
			"main": {Name: "main", Kind: wechat.OfficialAccount, Keys: wechat.PushKeys{Tokens: []wechat.Secret{token}, AppID: "wx1"}},
		}}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		app.watchPushKeys(ctx, ring)
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		query := url.Values{"timestamp": {stamp}, "nonce": {"1"}, "signature": {wechat.PushSignature(token, stamp, "1")}}
		body := "<xml><MsgType>event</MsgType><Event>user_authorization_cancellation</Event><OpenID>o1</OpenID></xml>"
		app.pushes.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/?"+query.Encode(), strings.NewReader(body)), "main")
		for _, when := range []string{"while it runs", "between its end and its replacement", "after it was replaced"} {
			if when != "while it runs" {
				stop()
				app.running.Wait()
			}
			if when == "after it was replaced" {
				go app.linger(app.closeHelpers)
				time.Sleep(time.Minute)
			}
			for range 2 { // the first key seals at once, the next ones when all gateways have them
				if _, err := app.keeper.RetireNow(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if when == "between its end and its replacement" {
				continue
			}
			time.Sleep(2 * keyRound)
			kept := 0
			if err := journal.Each(func(string, []byte) { kept++ }); err != nil || kept != 1 {
				t.Errorf("%s: %d can be read, %v", when, kept, err)
			}
		}
		store.back.Store(true)
		time.Sleep(lingerForPushes)
	})
}
