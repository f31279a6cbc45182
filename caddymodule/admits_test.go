package caddymodule

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// What a reload leaves running is what some site admits: an account that no
// site names has no place any more.
func TestHubAdmitsTheAccountsOfSites(t *testing.T) {
	account := func(kind wechat.AccountKind, name string) provisionedAccount {
		return provisionedAccount{Account: wechat.Account{Kind: kind, Name: name, Credentials: wechat.Credentials{AppID: "wx" + name}}}
	}
	app := &App{logger: slog.New(slog.DiscardHandler), client: new(wechat.Client), accounts: []provisionedAccount{
		account(wechat.OfficialAccount, "shop"), account(wechat.OfficialAccount, "old"), account(wechat.MiniProgram, "mini"), account(wechat.MiniProgram, "other"), account(wechat.MobileApp, "app"),
	}}
	for _, names := range [][]string{{"mini"}, {"app"}} {
		h := &Handler{app: app, Accounts: names}
		h.site.account = app.accounts[0].Account
		if err := h.provisionAccounts(); err != nil {
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

// The former JSON key of a site's other accounts is read, with a warning:
// autosave.json has it after an upgrade.
func TestFormerKeyOfAccounts(t *testing.T) {
	app := &App{accounts: []provisionedAccount{
		{Account: wechat.Account{Kind: wechat.MiniProgram, Name: "mini"}}, {Account: wechat.Account{Kind: wechat.Website, Name: "pc"}},
	}}
	for text, warns := range map[string]bool{
		`{"account":"shop","accounts":["mini"]}`:                  false,
		`{"account":"shop","doors":["mini"]}`:                     true,
		`{"account":"shop","accounts":["mini"],"doors":["mini"]}`: true,
	} {
		t.Run(text, func(t *testing.T) {
			var log bytes.Buffer
			h := &Handler{app: app, logger: slog.New(slog.NewTextHandler(&log, nil))}
			if err := json.Unmarshal([]byte(text), h); err != nil {
				t.Fatal(err)
			}
			if err := h.provisionAccounts(); err != nil {
				t.Fatal(err)
			}
			if len(h.site.others) != 1 || h.site.others[0].Name != "mini" {
				t.Errorf("got the accounts %v, want mini", h.site.others)
			}
			if got := strings.Contains(log.String(), "level=WARN"); got != warns {
				t.Errorf("warns: %t, want %t: %s", got, warns, &log)
			}
		})
	}
}
