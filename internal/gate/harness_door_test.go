package gate_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

const (
	miniApp      = "wx00000000000000a1"
	otherMini    = "wx00000000000000a2"
	mobileApp    = "wx00000000000000b1"
	miniSecret   = "the-secret-of-the-mini-program-012345"
	mobileSecret = "the-secret-of-the-mobile-app-01234567"

	miniUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN miniProgram/" + miniApp
)

// doors lets the site admit a mini program and an app, with what an account's
// own token opens.
func doors(w *town) {
	account := func(kind wechat.AccountKind, name, appID, secret string) wechat.Account {
		return wechat.Account{Kind: kind, Name: name, Credentials: wechat.Credentials{AppID: appID, Secret: wechat.NewSecret(secret)}}
	}
	w.gate.OtherAccounts = []wechat.Account{
		account(wechat.MiniProgram, "mini", miniApp, miniSecret),
		account(wechat.MobileApp, "app", mobileApp, mobileSecret),
	}
	mini := &wechat.GlobalToken{Client: w.hub.WeChat, Credentials: w.gate.OtherAccounts[0].Credentials}
	main := &wechat.GlobalToken{Client: w.hub.WeChat, Credentials: w.gate.Account.Credentials}
	w.t.Cleanup(mini.Close)
	w.t.Cleanup(main.Close)
	w.hub.Phone = func(ctx ctx, _, code, openID string) (wechat.Phone, error) { return mini.Phone(ctx, code, openID) }
	w.hub.JSSDK = func(ctx ctx, _, page string) (wechat.JSSDK, error) { return main.SignJSSDK(ctx, page) }
}

type ctx = context.Context

// client is a mini program or an app on somebody's phone: it has no cookies.
type client struct {
	*browser
	person, token string
}

func (w *town) client(person string) *client {
	c := &client{browser: w.browser(person), person: person}
	c.browser.client.Jar, c.ua = nil, miniUA
	return c
}

// answered is what a client reads from an answer.
type answered struct {
	hop
	Code           int
	Error, Message string
	Token          string
	ExpiresIn      int `json:"expires_in"`
	User           map[string]any
	Phone          string
	Ticket         string
	Parameter      string
}

// ask sends a request with the client's token; headers override.
func (c *client) ask(method, path string, body any, headers ...string) answered {
	c.town.t.Helper()
	text := ""
	switch body := body.(type) {
	case nil:
	case string:
		text = body
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			c.town.t.Fatal(err)
		}
		text = string(raw)
	}
	all := []string{"Accept", "*/*", "Content-Type", "application/json"}
	if c.token != "" {
		all = append(all, "Authorization", "Bearer "+c.token)
	}
	return c.read(c.send(method, path, text, append(all, headers...)...))
}

// read takes an answer apart, and notes what must not be logged.
func (c *client) read(h hop) answered {
	a := answered{hop: h}
	if h.header.Get("X-Upstream") != "" || h.body == "" {
		return a
	}
	if err := json.Unmarshal([]byte(h.body), &a); err != nil || a.Code != h.status {
		c.town.t.Errorf("%s: %d %s: %v", h.url, h.status, h.body, err)
	}
	c.town.secrets.add("token", a.Token)
	c.town.secrets.add("ticket", a.Ticket)
	c.town.secrets.add("phone", strings.TrimPrefix(a.Phone, "+86 "))
	return a
}

type code struct {
	Code string `json:"code"`
}

// login signs the client in at the mini program.
func (c *client) login() answered {
	c.town.t.Helper()
	a := c.ask(http.MethodPost, "/_wechat/mini-program/mini/login", code{c.town.weChat.MiniProgramCode(c.person, miniApp)})
	if a.status != http.StatusOK || a.Token == "" {
		c.town.t.Fatalf("login: %d %s", a.status, a.body)
	}
	c.token = a.Token
	return a
}

// mini is a client that is signed in at the mini program.
func (w *town) mini(person string) *client {
	w.t.Helper()
	c := w.client(person)
	c.login()
	return c
}

// page asks for a page of the app, as the upstream sees it.
func (c *client) page(path string) echoed {
	c.town.t.Helper()
	return c.ask(http.MethodGet, path, nil).upstream()
}

// refused checks that an answer is an error of ours.
func (a answered) refused(t testing.TB, status int, kind string) {
	t.Helper()
	if a.status != status || a.Error != kind || a.Message == "" || a.header.Get("X-Upstream") != "" {
		t.Errorf("%s: %d %s, want %d %s", a.url, a.status, a.body, status, kind)
	}
}

// FindOpenID fails as the others do.
func (l *shakyLedger) FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error) {
	if err := l.failure(); err != nil {
		return ledger.Person{}, err
	}
	return l.Ledger.FindOpenID(ctx, appID, openID)
}

// events are what waits for a business system, oldest first.
func (w *town) events(target string) (all []ledger.Event) {
	w.t.Helper()
	for {
		due, _, err := w.ledger.Due(w.t.Context(), target, time.Now().Add(time.Hour), 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(due) == 0 {
			return all
		}
		for _, d := range due {
			all = append(all, d.Event)
			if err := w.ledger.Sent(w.t.Context(), target, d.ID); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}
