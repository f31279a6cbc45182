package gate_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

func atToken(code, next int) wechattest.Quirks {
	return wechattest.Quirks{WrongErrcode: wechattest.Number{Value: code, Endpoint: wechattest.AtToken, Next: next}}
}

func busy(next int) wechattest.Quirks {
	return wechattest.Quirks{Busy: wechattest.Knob{On: true, Endpoint: wechattest.AtToken, Next: next}}
}

// quirked is a silent site whose WeChat has these quirks.
func quirked(t *testing.T, q wechattest.Quirks, changes ...func(*town)) *town {
	t.Helper()
	w := newTown(t, append(changes, scope(wechat.ScopeBase))...)
	if err := w.weChat.SetQuirks(q); err != nil {
		t.Fatal(err)
	}
	return w
}

// A code that is no good is never an error page at once (wechat-protocol I1).
func TestCodesThatAreNoGood(t *testing.T) {
	t.Parallel()
	for _, errcode := range []int{40163, 40029, 42003, 42007, 50001, 40030} {
		w := quirked(t, atToken(errcode, 1))
		if v := w.browser("alice").open("/x?y"); v.last().url != shop+"/x?y" || len(v.scopes()) != 2 {
			t.Errorf("%d once: %s", errcode, v)
		}
		w = quirked(t, atToken(errcode, 0))
		b := w.browser("alice")
		v := b.open("/x?y")
		if v.last().kind() != "try_again" || v.last().status != http.StatusBadRequest || len(v.scopes()) != 3 {
			t.Errorf("%d always: %d %q%s", errcode, v.last().status, v.last().kind(), v)
		}
		if v.last().button() != "/_wechat/login?return_to=%2Fx%3Fy" || b.session() != "" || w.weChat.CountCalls(exchangePath) != 3 {
			t.Errorf("%d always: the button leads to %s", errcode, v.last().button())
		}
	}
}

// What only the operator can mend: one page that says so, one line in the log.
func TestMisconfiguration(t *testing.T) {
	t.Parallel()
	for _, errcode := range []int{40125, 40013, 40001, 40164, 48001, 40243, 89503, 12345} {
		w := quirked(t, atToken(errcode, 0))
		v := w.browser("alice").open("/x")
		page := v.last()
		if page.kind() != "misconfigured" || page.status != http.StatusInternalServerError || len(v.scopes()) != 1 {
			t.Errorf("%d: %d %q", errcode, page.status, page.kind())
		}
		lines := w.log.lines(`"level":"ERROR"`)
		if len(lines) != 1 || !strings.Contains(lines[0], fmt.Sprintf(`"errcode":%d`, errcode)) || !ridField.MatchString(lines[0]) || !strings.Contains(lines[0], `"account":"main"`) {
			t.Errorf("%d: log %q", errcode, lines)
		}
		if strings.Contains(page.body, strconv.Itoa(errcode)) || strings.Contains(page.body, "errcode") {
			t.Errorf("%d: the visitor is told what is the operator's", errcode)
		}
	}
	// The same in truth: a wrong secret.
	w := quirked(t, wechattest.Quirks{}, func(w *town) {
		w.gate.Account.Credentials.Secret = wechat.NewSecret("a-secret-of-last-year-0123456789")
	})
	if page := w.browser("alice").open("/x").last(); page.kind() != "misconfigured" || len(w.log.lines(`"errcode":40125`)) != 1 {
		t.Errorf("%d %q", page.status, page.kind())
	}
}

// The address that must be allowed stands in the log by itself, as WeChat names
// it.
func TestMisconfigurationNamesTheAddressToAllow(t *testing.T) {
	t.Parallel()
	const says = `{"errcode":40164,"errmsg":"invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 64e5d2d0-18b1978d-6abec211"}`
	for name, fail := range map[string]func(*town){
		"sign-in":      func(w *town) { w.browser("alice").open("/x") },
		"mini program": func(w *town) { w.client("alice").ask(http.MethodPost, miniLogin, code{"code-0123456789"}) },
		"mobile app":   func(w *town) { w.client("alice").ask(http.MethodPost, mobileLogin, code{"code-0123456789"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quirked(t, wechattest.Quirks{}, doors)
			w.weChat.answer(says)
			fail(w)
			lines := w.log.lines(`"level":"ERROR"`)
			if len(lines) != 1 || !strings.Contains(lines[0], `"allow_address":"203.0.113.7"`) {
				t.Errorf("log %q", lines)
			}
		})
	}
}

// The quota of a day is exhausted: everywhere a 503 with Retry-After, and the
// operator hears of it.
func TestQuotaOfADay(t *testing.T) {
	t.Parallel()
	const says = `{"errcode":45009,"errmsg":"reach max api daily quota limit rid: 64e5d2d0-18b1978d-6abec211"}`
	for name, ask := range map[string]func(*town) hop{
		"sign-in": func(w *town) hop { return w.browser("alice").open("/x").last() },
		"website": func(w *town) hop {
			b := w.desktop("alice")
			return b.open(b.confirms(b.qrPage("/x"), true).location()).last()
		},
		"mini program": func(w *town) hop {
			return w.client("alice").ask(http.MethodPost, miniLogin, code{"code-0123456789"}).hop
		},
		"mobile app": func(w *town) hop {
			return w.client("alice").ask(http.MethodPost, mobileLogin, code{"code-0123456789"}).hop
		},
		"jssdk": func(w *town) hop {
			w.hub.JSSDK = func(context.Context, string, string) (wechat.JSSDK, error) {
				return wechat.JSSDK{}, fmt.Errorf("the ticket: %w", &wechat.Error{Op: "ticket", Code: 45009, Remedy: wechat.RemedyStop})
			}
			return w.browser("alice").script(http.MethodGet, "/_wechat/jssdk?url="+shop+"/")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quirked(t, wechattest.Quirks{}, doors, website)
			w.weChat.answer(says)
			h := ask(w)
			after, err := strconv.Atoi(h.header.Get("Retry-After"))
			if h.status != http.StatusServiceUnavailable || err != nil || after < 300 || after > 3600 {
				t.Errorf("%d %q, Retry-After %q: %.200s", h.status, h.kind(), h.header.Get("Retry-After"), h.body)
			}
			if lines := w.log.lines(`"level":"ERROR"`); len(lines) != 1 || !strings.Contains(lines[0], `"errcode":45009`) {
				t.Errorf("log %q", lines)
			}
		})
	}
	w := quirked(t, atToken(45009, 0), func(w *town) { w.access["/o"] = site.Optional })
	if h := w.browser("alice").open("/o").last(); h.upstream().Header.Get("X-Wechat-Openid") != "" {
		t.Error("an optional page does not pass")
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	for _, errcode := range []int{50002, 40226, 43004} {
		w := quirked(t, atToken(errcode, 0))
		v := w.browser("alice").open("/x")
		if v.last().kind() != "denied" || v.last().status != http.StatusForbidden || len(v.scopes()) != 1 || w.weChat.CountCalls(exchangePath) != 1 {
			t.Errorf("%d: %d %q%s", errcode, v.last().status, v.last().kind(), v)
		}
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	w := quirked(t, busy(2))
	if v := w.browser("alice").open("/x"); v.last().url != shop+"/x" || len(v.scopes()) != 1 || w.weChat.CountCalls(exchangePath) != 3 {
		t.Errorf("twice: %s", v)
	}
	w = quirked(t, busy(0))
	b := w.browser("alice")
	v := b.open("/x?y")
	unavailable(t, v.last(), 10, 10)
	if len(v.scopes()) != 1 || w.weChat.CountCalls(exchangePath) != 3 {
		t.Errorf("always: %d calls%s", w.weChat.CountCalls(exchangePath), v)
	}
	// The page loads itself again, and the code is still good.
	if err := w.weChat.SetQuirks(wechattest.Quirks{}); err != nil {
		t.Fatal(err)
	}
	if got := b.open(v.last().url).last(); got.url != shop+"/x?y" || got.header.Get("X-Upstream") == "" {
		t.Errorf("well again: %s %d", got.url, got.status)
	}
}

// unavailable checks a 503 that a browser and a visitor can act on.
func unavailable(t *testing.T, h hop, least, most int) {
	t.Helper()
	after, err := strconv.Atoi(h.header.Get("Retry-After"))
	if h.kind() != "unavailable" || h.status != http.StatusServiceUnavailable || err != nil || after < least || after > most {
		t.Errorf("%s: %d %q, Retry-After %q", h.url, h.status, h.kind(), h.header.Get("Retry-After"))
	}
	if len(h.header["Set-Cookie"]) != 0 || h.header.Get("Location") != "" {
		t.Errorf("%s: a 503 with %v", h.url, h.header)
	}
}

// The quota of a minute: visitors come back in the next one, not all at once.
func TestTooFrequent(t *testing.T) {
	t.Parallel()
	waits := map[string]bool{}
	w := quirked(t, wechattest.Quirks{TooFrequent: wechattest.Knob{On: true, Endpoint: wechattest.AtToken}})
	for range 8 {
		h := w.browser("alice").open("/x").last()
		unavailable(t, h, 60, 80)
		waits[h.header.Get("Retry-After")] = true
	}
	if len(waits) < 2 {
		t.Error("all come back in the same second")
	}
	if n := w.weChat.CountCalls(exchangePath); n != 8 {
		t.Errorf("%d calls for 8 visitors", n)
	}
}

func TestWeChatOutOfOrder(t *testing.T) {
	t.Parallel()
	on := wechattest.Knob{On: true, Endpoint: wechattest.AtToken}
	for name, q := range map[string]wechattest.Quirks{
		"HTML":      {HTMLBody: on},
		"500":       {HTTPStatus: wechattest.Number{Value: 500, Endpoint: wechattest.AtToken}},
		"502":       {HTTPStatus: wechattest.Number{Value: 502, Endpoint: wechattest.AtToken}},
		"302":       {HTTPStatus: wechattest.Number{Value: 302, Endpoint: wechattest.AtToken}},
		"truncated": {TruncatedJSON: on},
		"cut":       {CutConnection: on},
		"hang":      {Hang: on},
	} {
		w := quirked(t, wechattest.Quirks{})
		if name == "hang" {
			w.hub.WeChat.Timeout = 2 * time.Second
		}
		signedIn := w.browser("bob")
		signedIn.open("/").last().upstream()
		if err := w.weChat.SetQuirks(q); err != nil {
			t.Fatal(err)
		}
		b := w.browser("alice")
		calls := w.weChat.CountCalls(exchangePath)
		v := b.open("/x")
		unavailable(t, v.last(), 1, 60)
		if n := w.weChat.CountCalls(exchangePath) - calls; n != 1 || len(v.scopes()) != 1 {
			t.Errorf("%s: the code was sent %d times%s", name, n, v)
		}
		if len(w.log.lines(`"level":"ERROR"`)) != 1 {
			t.Errorf("%s: log %q", name, w.log.lines(`"level":"ERROR"`))
		}
		// Who is signed in notices nothing.
		signedIn.open("/").last().upstream()
		// A reload when WeChat is well again signs in, whether the code is
		// spent or not.
		if err := w.weChat.SetQuirks(wechattest.Quirks{}); err != nil {
			t.Fatal(err)
		}
		if got := b.open(v.last().url).last(); got.url != shop+"/x" || got.header.Get("X-Upstream") == "" {
			t.Errorf("%s: well again: %s %d %q", name, got.url, got.status, got.kind())
		}
	}
}

func TestWeChatCannotBeReached(t *testing.T) {
	t.Parallel()
	w := quirked(t, wechattest.Quirks{}, func(w *town) { w.hub.WeChat.APIURL = "http://127.0.0.1:1" })
	unavailable(t, w.browser("alice").open("/x").last(), 1, 60)
	if h := w.browser("alice").script(http.MethodGet, "/x"); h.status != http.StatusUnauthorized {
		t.Errorf("a script: %d", h.status)
	}
}

// A script that is led through the callback hears of errors in JSON.
func TestErrorsForScripts(t *testing.T) {
	t.Parallel()
	for errcode, want := range map[int]string{40125: "misconfigured", 50002: "denied", 45011: "unavailable"} {
		w := quirked(t, atToken(errcode, 0))
		b := w.browser("alice")
		h := b.script(http.MethodGet, b.until("/x"))
		if got := h.json(); got.Error != want || got.Message == "" {
			t.Errorf("%d: %d %s", errcode, h.status, h.body)
		}
		if want == "unavailable" && h.header.Get("Retry-After") == "" {
			t.Errorf("%d: no Retry-After", errcode)
		}
	}
}

// The profile fails after the code is spent: nothing half-done is kept.
func TestUserInfoFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		q    wechattest.Quirks
		want string // page, "" for signed in
	}{
		{"busy twice", wechattest.Quirks{Busy: wechattest.Knob{On: true, Endpoint: wechattest.AtUserInfo, Next: 2}}, ""},
		{"token lost once", wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40001, Endpoint: wechattest.AtUserInfo, Next: 1}}, ""},
		{"not permitted", wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 48001, Endpoint: wechattest.AtUserInfo}}, "misconfigured"},
		{"HTML", wechattest.Quirks{HTMLBody: wechattest.Knob{On: true, Endpoint: wechattest.AtUserInfo}}, "unavailable"},
	} {
		w := newTown(t)
		if err := w.weChat.SetQuirks(c.q); err != nil {
			t.Fatal(err)
		}
		got := w.browser("bob").consents("/x").last()
		if got.kind() != c.want {
			t.Errorf("%s: %d %q", c.name, got.status, got.kind())
		}
		if c.want == "" && got.upstream().Header.Get("X-Wechat-Scope") != userinfo {
			t.Errorf("%s: %v", c.name, got.upstream().Header)
		}
		person, err := w.ledger.FindOpenID(t.Context(), shopApp, w.weChat.OpenID("bob", shopApp))
		if err != nil || person.Consented(shopApp) != (c.want == "") {
			t.Errorf("%s: consent is %t, %v", c.name, person.Consented(shopApp), err)
		}
	}
}

// A nickname has control bytes and broken UTF-8 (wechat-protocol J12).
func TestNicknameWithControlBytes(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	if err := w.weChat.SetQuirks(wechattest.Quirks{NicknameControlBytes: wechattest.Knob{On: true}}); err != nil {
		t.Fatal(err)
	}
	name := w.browser("alice").consents("/x").last().upstream().Header["X-Wechat-Nickname"]
	if len(name) != 1 || !strings.Contains(name[0], "%E5%B0%8F%E6%98%8E") || strings.ContainsFunc(name[0], func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		t.Errorf("%q", name)
	}
	for _, bad := range []string{"%07", "%14", "%0", "%1"} {
		if slices.ContainsFunc(name, func(s string) bool { return strings.Contains(s, bad) }) {
			t.Errorf("%q holds %s", name, bad)
		}
	}
}
