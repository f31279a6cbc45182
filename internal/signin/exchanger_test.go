package signin

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Each kind of account has a way to exchange its codes. The code of an account
// without a kind is not spent as that of another one.
func TestExchangerKnowsEveryKind(t *testing.T) {
	t.Parallel()
	log := outage.Log{Logger: slog.New(slog.DiscardHandler), Outages: new(outage.Outages), Lines: new(limit.Lines)}
	client := &wechat.Client{APIURL: "http://127.0.0.1:1"} // nothing listens there
	for _, kind := range append(wechat.AccountKinds(), "") {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			exchange := Exchanger{WeChat: client, Log: log}.For(kind)
			_, err := exchange(t.Context(), wechat.Account{Kind: kind, Name: "main", Credentials: wechat.Credentials{AppID: "wx0123456789abcdef", Secret: wechat.NewSecret("0123456789abcdef0123456789abcdef")}}, "code")
			if got, want := errors.Is(err, wechat.ErrAlert), kind == ""; got != want {
				t.Errorf("refused as misconfigured: %t, want %t: %v", got, want, err)
			}
		})
	}
}
