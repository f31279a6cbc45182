package test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// spa is a single page app: it is public, keeps its state in the fragment, and
// asks an API who the visitor is.
const spa = `<!doctype html><meta charset="utf-8"><title>spa</title><p id="state">…</p><p id="message">…</p>
<script>
const say = (id, text) => document.getElementById(id).textContent = text;
async function load() {
	const response = await fetch('/api/me');
	const answer = await response.json();
	window.answer = answer;
	if (response.status === 401) return say('state', '401 ' + answer.error);
	say('state', 'me: ' + answer.openid + ' at ' + location.hash);
}
// The address of the answer; the page's own address to come back to, since a fragment never reaches a server.
function signIn() {
	const address = new URL(answer.redirect_url);
	address.searchParams.set('return_to', location.pathname + location.search + location.hash);
	location.href = address;
}
function talk() {
	const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
	socket.onopen = () => socket.send('你好');
	socket.onmessage = m => say('message', 'echo: ' + m.data);
	socket.onerror = () => say('message', 'socket: refused');
}
load();
</script>`

func spaApp(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/spa":
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(rw, spa)
	case "/api/me":
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]string{"openid": r.Header.Get("X-Wechat-Openid")})
	case "/socket":
		connection, _, _, err := ws.UpgradeHTTP(r, rw)
		if err != nil {
			return
		}
		defer connection.Close()
		if message, op, err := wsutil.ReadClientData(connection); err == nil {
			_ = wsutil.WriteServerMessage(connection, op, message)
		}
	default:
		http.NotFound(rw, r)
	}
}

// A single page app signs its visitor in and comes back to where it was, the
// fragment included.
func TestBrowserSinglePageApp(t *testing.T) {
	w := newWorld(t)
	w.app.answer(spaApp)
	site := w.secureSite(options{auth: "public /spa"})
	here := site + "/spa?tab=2#/cart/7?x=%26&中"
	b := w.phone("ming")
	b.open(here)
	b.sees("401 not_signed_in")
	var answer struct {
		Code        int    `json:"code"`
		RedirectURL string `json:"redirect_url"`
	}
	if err := b.js("window.answer", &answer); err != nil || answer.Code != 401 || !strings.HasPrefix(answer.RedirectURL, site+"/_wechat/login?") {
		t.Fatalf("the answer is %+v (%v)", answer, err)
	}
	b.run("signIn()")
	b.sees("401 consent_required")
	b.is("is back where it was", "location.href === new URL("+quote(here)+").href")
	b.run("signIn()")
	b.allow()
	b.sees("me: " + w.wechat.OpenID("ming", appID))
	b.is("is back where it was", "location.href === new URL("+quote(here)+").href")

	// The session goes while the app is open: silently there and back.
	b.forgets(site)
	b.run("load()")
	b.sees("401 not_signed_in")
	b.run("signIn()")
	b.sees("me: " + w.wechat.OpenID("ming", appID))
	b.is("is back where it was", "location.href === new URL("+quote(here)+").href")

	// An app that follows redirect_url as it is comes back too, without
	// fragment.
	b.forgets(site)
	b.run("load()")
	b.sees("401 not_signed_in")
	b.run("location.href = answer.redirect_url")
	b.sees("me: " + w.wechat.OpenID("ming", appID))
	b.arrives(site + "/spa?tab=2")

	// What a script may know of its own visitor, and no more.
	b.is("knows its visitor", `fetch('/_wechat/session').then(r => r.json()).then(s => window.session = s) && window.session`)
	var session struct {
		Code int
		User map[string]any
	}
	if err := b.js("window.session", &session); err != nil {
		t.Fatal(err)
	}
	if session.Code != 200 || session.User["nickname"] != "小明" || session.User["openid"] != w.wechat.OpenID("ming", appID) || session.User["unionid"] != nil {
		t.Errorf("the session endpoint says %+v", session)
	}
}

// A WebSocket is refused without a session, and passes with one, which the app
// is told.
func TestBrowserWebSocket(t *testing.T) {
	w := newWorld(t)
	w.app.answer(spaApp)
	site := w.secureSite(options{auth: "public /spa\n\t\tscope snsapi_base"})
	b := w.phone("ming")
	b.open(site + "/spa")
	b.sees("401 not_signed_in")
	b.run("talk()")
	b.sees("socket: refused")
	// Chromium's words for a handshake that is answered by 401.
	if complaints := strings.Join(b.seen.all(), "\n"); !strings.Contains(complaints, "/socket' failed: HTTP Authentication failed") {
		t.Errorf("refused otherwise than by 401:\n%s", complaints)
	}
	for _, r := range w.app.take() {
		if r.uri == "/socket" {
			t.Errorf("the handshake reached the app: %v", r.header)
		}
	}
	b.run("signIn()")
	b.sees("me: " + w.wechat.OpenID("ming", appID))
	b.run("talk()")
	b.sees("echo: 你好")
	if got := w.app.last(t, "/socket"); got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) {
		t.Errorf("the app was told %v", got)
	}
}
