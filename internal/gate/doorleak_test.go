package gate_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
)

// A whole run through every door, with all that goes wrong on the way: what
// must stay here is in no answer, no line of the log or of the audit log, no
// event, and not readable in the ledger. What a client is given is in its own
// answer only.
func TestNothingLeaksThroughTheDoors(t *testing.T) {
	t.Parallel()
	var audit logBook
	w := newTown(t, doors, func(w *town) {
		w.gate.Rules.Headers = map[site.Field]string{site.FieldPhone: site.HeaderOn}
		w.gate.Audit.Lines = slog.New(slog.NewJSONHandler(&audit, nil))
	})
	w.ledger.SetTargets([]ledger.Target{{Name: "crm"}})
	var answers strings.Builder
	note := func(h hop) { _, _ = fmt.Fprintln(&answers, h.status, h.header, h.body) }

	c := w.client("alice")
	login := c.login()
	own := map[string]string{"token": login.Token, "cookie value": strings.TrimPrefix(login.Token, "wxt_mini.")}
	note(c.ask(http.MethodGet, "/_wechat/session", nil).hop)
	note(c.ask(http.MethodPost, miniProfile, c.handed(miniApp)).hop)
	spoilt := c.handed(miniApp)
	spoilt.RawData += " "
	note(c.ask(http.MethodPost, miniProfile, spoilt).hop)
	phone := c.ask(http.MethodPost, miniPhone, code{w.weChat.PhoneCode("alice", miniApp)})
	own["phone"] = strings.TrimPrefix(phone.Phone, "+86 ")
	note(c.ask(http.MethodPost, miniPhone, code{"garbage-0123456789"}).hop)
	ticket := c.ticket()
	own["ticket"] = ticket
	b := w.webView("alice")
	visit := b.open("/page?wechat_ticket=" + ticket)
	own["web-view's session"] = b.session()
	for _, h := range visit[:1] {
		note(hop{status: h.status, body: h.body})
	}
	note(b.script(http.MethodGet, "/_wechat/session"))
	note(b.script(http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(shop+"/p")))
	app := w.client("alice")
	mobile := app.ask(http.MethodPost, mobileLogin, code{w.weChat.MobileCode("alice", mobileApp)})
	own["app's token"] = mobile.Token
	note(app.ask(http.MethodPost, "/_wechat/mobile-app/app/declined", `{"code":-4}`).hop)
	used := w.weChat.MiniProgramCode("bob", miniApp)
	bob := w.client("bob")
	bob.ask(http.MethodPost, miniLogin, code{used})
	w.hub.Memory = new(site.Memory)
	note(bob.ask(http.MethodPost, miniLogin, code{used}).hop)
	w.weChat.answer(`{"errcode":40029,"errmsg":"invalid code","session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`)
	note(bob.ask(http.MethodPost, miniLogin, code{"garbage-0123456789"}).hop)
	w.weChat.answer("")
	w.ledger.fail(ledger.ErrUnavailable)
	note(bob.ask(http.MethodPost, miniLogin, code{w.weChat.MiniProgramCode("bob", miniApp)}).hop)
	w.ledger.fail(nil)
	note(c.ask(http.MethodPost, "/_wechat/logout", nil).hop)

	never := map[string]string{"a session_key of WeChat's answer": "tiihtNczf5v6AKRyjwEUhQ==", "secret": miniSecret, "app's secret": mobileSecret, "unionid": w.weChat.UnionID("alice", miniApp)}
	for i, issued := range w.weChat.Issued() { // codes, session_keys, tokens and tickets of WeChat's
		never[fmt.Sprint("issued ", i)] = issued
		if raw, err := base64.StdEncoding.DecodeString(issued); err == nil && len(raw) == 16 {
			never[fmt.Sprint("issued, hex ", i)] = hex.EncodeToString(raw)
		}
	}
	if len(never) < 12 {
		t.Fatalf("only %d secrets are known", len(never))
	}
	lines, audited := strings.Join(w.log.lines(""), ""), strings.Join(audit.lines(""), "")
	events := fmt.Sprint(w.events("crm"))
	for what, secret := range never {
		for where, text := range map[string]string{
			"answers": answers.String() + login.body + phone.body + mobile.body, "log": lines, "audit log": audited,
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s in the %s", what, where)
			}
		}
	}
	for _, person := range w.weChat.Persons() {
		for _, appID := range []string{miniApp, mobileApp} {
			if strings.Contains(lines+audited, w.weChat.OpenID(person.ID, appID)) {
				t.Errorf("the openid of %s is logged", person.ID)
			}
		}
	}
	for what, secret := range own {
		if len(secret) < 8 || strings.Contains(answers.String()+lines+audited+events, secret) {
			t.Errorf("the %s is known to others", what)
		}
	}
	if !strings.Contains(audited, `"action":"logout","account":"mini"`) || !strings.Contains(lines, "handed over to a web-view") {
		t.Errorf("what was checked is not the log of this run:\n%s%s", lines, audited)
	}
	checkLedgerHidesKeys(t, w)
}

// checkLedgerHidesKeys looks for session_keys in what the ledger keeps and
// exports.
func checkLedgerHidesKeys(t *testing.T, w *town) {
	t.Helper()
	kept := 0
	err := w.ledger.Walk(t.Context(), func(p ledger.Person) error {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		exported, err := w.ledger.Export(t.Context(), p.ID)
		if err != nil {
			return err
		}
		for _, a := range p.Accounts {
			if len(a.SessionKey) == 0 {
				continue
			}
			kept++
			for _, issued := range w.weChat.Issued() {
				if strings.Contains(string(a.SessionKey)+string(text)+string(exported), issued) {
					t.Error("the ledger holds a session_key in clear")
				}
			}
			if strings.Contains(string(exported), string(a.SessionKey)) {
				t.Error("an export holds a session_key")
			}
		}
		return nil
	})
	if err != nil || kept != 2 {
		t.Errorf("%d session_keys are kept, %v", kept, err)
	}
}

// A sealed session_key at another account, or person, opens nothing.
func TestSessionKeyIsBound(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	alice, bob := w.mini("alice"), w.mini("bob")
	from, err := w.ledger.Ledger.FindOpenID(t.Context(), miniApp, w.weChat.OpenID("bob", miniApp))
	if err != nil {
		t.Fatal(err)
	}
	stolen := from.Accounts[0].SessionKey
	_, err = w.ledger.Ledger.Observe(t.Context(), ledger.Observation{AppID: miniApp, OpenID: w.weChat.OpenID("alice", miniApp), SessionKey: stolen})
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.weChat.EncryptedPhone("bob", miniApp)
	if err != nil {
		t.Fatal(err)
	}
	alice.ask(http.MethodPost, miniPhone, e).refused(t, 400, "session_key_stale")
	if got := bob.ask(http.MethodPost, miniPhone, e); got.status != http.StatusOK {
		t.Errorf("bob's own: %d %s", got.status, got.body)
	}
	if _, err := w.hub.Keys.Open("session_key", miniApp+"|"+w.weChat.OpenID("bob", miniApp), string(stolen)); err != nil {
		t.Errorf("sealed as something else: %v", err)
	}
}
