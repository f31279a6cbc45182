package gate_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// hop is one request and its answer.
type hop struct {
	t      testing.TB
	url    string
	status int
	header http.Header
	body   string
}

// visit is all hops of one page load; the last one is what the visitor sees.
type visit []hop

func (v visit) last() hop { return v[len(v)-1] }

var (
	ridField    = regexp.MustCompile(`"rid":"[0-9a-f-]{8,}"`)
	pageKind    = regexp.MustCompile(`<main class="([a-z_]+)">`)
	pageLink    = regexp.MustCompile(`<a class="button[^"]*" href="([^"]*)"`)
	consentID   = regexp.MustCompile(`name="id" value="([A-Z2-7]{26})"`)
	declineForm = regexp.MustCompile(`<form method="post" action="([^"]*)">\s*<input type="hidden" name="return_to" value="([^"]*)">`)
	authorize   = regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/oauth2/authorize\?appid=wx[0-9a-f]{16}` +
		`&redirect_uri=https?%3A%2F%2F[A-Za-z0-9._~%-]+%2F_wechat%2Fcallback%2F(?:at%2Fhttps?%2F[A-Za-z0-9._~%-]+%2F)?[A-Z2-7]{26}%2F[A-Za-z0-9_-]+` +
		`&response_type=code&scope=(snsapi_base|snsapi_userinfo)&state=[a-zA-Z0-9]{1,128}&connect_redirect=1#wechat_redirect$`)
	qrConnect = regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/qrconnect\?appid=wx[0-9a-f]{16}` +
		`&redirect_uri=https?%3A%2F%2F[A-Za-z0-9._~%-]+%2F_wechat%2Fcallback%2F(?:at%2Fhttps?%2F[A-Za-z0-9._~%-]+%2F)?[A-Z2-7]{26}%2F[A-Za-z0-9_-]+` +
		`&response_type=code&scope=(snsapi_login)&state=[a-zA-Z0-9]{1,128}#wechat_redirect$`)
)

func (h hop) redirects() bool {
	return h.status >= 300 && h.status < 400 && h.status != http.StatusNotModified
}

func (h hop) location() string {
	base, err := url.Parse(h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	u, err := base.Parse(h.header.Get("Location"))
	if err != nil {
		h.t.Fatal(err)
	}
	return u.String()
}

// kind is which of the gate's pages this is; "" for anything else.
func (h hop) kind() string {
	if m := pageKind.FindStringSubmatch(h.body); m != nil && h.header.Get("X-Upstream") == "" {
		return m[1]
	}
	return ""
}

// button is where the page's main button leads.
func (h hop) button() string {
	if m := pageLink.FindStringSubmatch(h.body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// json reads an answer of ours for scripts.
func (h hop) json() (out struct {
	Code           int
	Error, Message string
	RedirectURL    string `json:"redirect_url"`
	Follow         bool
	User           map[string]any
},
) {
	h.t.Helper()
	if err := json.Unmarshal([]byte(h.body), &out); err != nil || out.Code != h.status || !strings.HasPrefix(h.header.Get("Content-Type"), "application/json") {
		h.t.Errorf("%s: %d %s: %v", h.url, h.status, h.body, err)
	}
	return out
}

// upstream is what the upstream got; anything else ends the test.
func (h hop) upstream() echoed {
	h.t.Helper()
	var e echoed
	if h.header.Get("X-Upstream") == "" || h.status != http.StatusOK {
		h.t.Fatalf("%s does not reach the upstream but %d %s %s", h.url, h.status, h.kind(), h.header.Get("Location"))
	}
	if err := json.Unmarshal([]byte(h.body), &e); err != nil {
		h.t.Fatalf("%s: %v", h.url, err)
	}
	return e
}

// scopes are the scopes that WeChat was asked for, in turn.
func (v visit) scopes() (asked []string) {
	for _, h := range v {
		if m := authorize.FindStringSubmatch(h.header.Get("Location")); m != nil {
			asked = append(asked, m[1])
		}
	}
	return asked
}

func (v visit) String() string {
	var out strings.Builder
	for _, h := range v {
		out.WriteString("\n" + h.url + " -> " + http.StatusText(h.status))
	}
	return out.String()
}

// origin is the site's own.
func (w *town) origin() string {
	switch {
	case w.gate.Origin != "":
		return w.gate.Origin
	case w.plain:
		return strings.Replace(shop, "https:", "http:", 1)
	default:
		return shop
	}
}

// checkHop holds every answer of the gate to what is true of all of them.
func (w *town) checkHop(h hop) {
	w.t.Helper()
	if !strings.HasPrefix(h.url, w.origin()+"/") || h.header.Get("X-Upstream") != "" {
		return
	}
	if rest, ok := strings.CutPrefix(h.url, w.origin()+"/_wechat/callback/"); ok {
		u, err := url.Parse(h.url)
		if err != nil {
			w.t.Fatal(err)
		}
		path, _, _ := strings.Cut(rest, "?")
		_, sealed, _ := strings.Cut(path, "/")
		w.secrets.add("sealed flow", sealed)
		w.secrets.add("state", u.Query().Get("state"))
		w.secrets.add("code", u.Query().Get("code"))
	}
	if h.header.Get("Cache-Control") != "no-store" && h.url != w.origin()+"/_wechat/client.js" {
		w.t.Errorf("%s: %d with Cache-Control %q", h.url, h.status, h.header.Get("Cache-Control"))
	}
	if n := headerBytes(h); n >= nginxBuffer {
		w.t.Errorf("%.80s: %d with a header of %d bytes, which nginx answers with 502", h.url, h.status, n)
	}
	location := h.header.Get("Location")
	switch {
	case location == "":
		if h.redirects() {
			w.t.Errorf("%s: %d without Location", h.url, h.status)
		}
	case h.status == http.StatusFound:
		if !authorize.MatchString(location) && !qrConnect.MatchString(location) {
			w.t.Errorf("%s: 302 to %s", h.url, location)
		}
	case h.status == http.StatusUnauthorized && strings.HasPrefix(h.url, w.origin()+checkPath):
		if !strings.HasPrefix(location, w.origin()+"/_wechat/login") {
			w.t.Errorf("%s: 401 that leads to %s", h.url, location)
		}
	case h.status == http.StatusSeeOther && strings.HasPrefix(location, "https://other.example.com:8443/_wechat/callback/"):
		if w.hub.SharedCallback == nil || !strings.HasPrefix(h.url, w.origin()+"/_wechat/callback/at/https/other.example.com:8443/") {
			w.t.Errorf("%s: handed on to %s", h.url, location)
		}
	case h.status != http.StatusSeeOther || !strings.HasPrefix(location, w.origin()+"/"):
		w.t.Errorf("%s: %d to %s", h.url, h.status, location)
	}
	if location != "" && h.header.Get("Referrer-Policy") != "no-referrer" {
		w.t.Errorf("%s: a redirect that tells its address to the next", h.url)
	}
}

// parts takes a callback address apart: up to the query, and the state.
func parts(t testing.TB, callback string) (flow, state string) {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	flow, _, _ = strings.Cut(callback, "?")
	return flow, u.Query().Get("state")
}
