package caddymodule

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// What a reload leaves running is what some site admits: an account that no site
// names has no place any more.
func TestHubAdmitsTheAccountsOfSites(t *testing.T) {
	account := func(kind wechat.AccountKind, name string) provisionedAccount {
		return provisionedAccount{Account: wechat.Account{Kind: kind, Name: name, Credentials: wechat.Credentials{AppID: "wx" + name}}}
	}
	app := &App{logger: slog.New(slog.DiscardHandler), client: new(wechat.Client), accounts: []provisionedAccount{
		account(wechat.OfficialAccount, "shop"), account(wechat.OfficialAccount, "old"), account(wechat.MiniProgram, "mini"), account(wechat.MiniProgram, "other"), account(wechat.MobileApp, "app"),
	}}
	for _, doors := range [][]string{{"mini"}, {"app"}} {
		h := &Handler{app: app, Doors: doors}
		h.site.account = app.accounts[0].Account
		if err := h.provisionDoors(); err != nil {
			t.Fatal(err)
		}
	}
	book, err := boltledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	hub := app.newHub(opened{ledger: book}, new(session.Ring))
	defer func() { _ = app.closeHelpers() }()
	for name, want := range map[string]bool{"shop": true, "mini": true, "app": true, "old": false, "other": false, "": false} {
		if got := hub.Admits("wx" + name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
	if hub.Succession == nil {
		t.Error("it would hear of no reload")
	}
}
