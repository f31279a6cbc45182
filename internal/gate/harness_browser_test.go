package gate_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
)

const (
	weChatUA  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
	desktopUA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
	acceptAll = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	maxHops   = 25
)

// browser is a phone with WeChat, by default.
type browser struct {
	town   *town
	client *http.Client
	ua     string
	// keep says which of a site's cookies the browser keeps; nil is all.
	keep func(name string) bool
}

// browser gives somebody a new browser.
func (w *town) browser(person string) *browser {
	w.t.Helper()
	cookies, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	b := &browser{town: w, ua: weChatUA}
	b.client = &http.Client{
		Transport: b.transport(), Jar: cookies,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	b.holds(person)
	return b
}

// holds puts the browser into somebody's hands.
func (b *browser) holds(person string) {
	open := &url.URL{Scheme: "https", Host: "open.weixin.qq.com", Path: "/"}
	b.client.Jar.SetCookies(open, []*http.Cookie{b.town.weChat.PhoneCookie(person)})
}

// transport leads the site's host to the site and WeChat's to the simulator.
func (b *browser) transport() http.RoundTripper {
	w := b.town
	weChat := &http.Transport{DisableKeepAlives: true}
	site := http.RoundTripper(insider{w})
	if !w.inside {
		roots := x509.NewCertPool()
		roots.AddCert(w.server.Certificate())
		dialer := &net.Dialer{}
		outside := &http.Transport{
			ForceAttemptHTTP2: w.http2,
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "example.com"},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, w.server.Listener.Addr().String())
			},
		}
		w.t.Cleanup(outside.CloseIdleConnections)
		site = outside
	}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "open.weixin.qq.com" {
			return b.selective(site.RoundTrip(r))
		}
		moved := r.Clone(r.Context())
		moved.URL.Scheme, moved.URL.Host = "http", strings.TrimPrefix(w.weChat.url, "http://")
		return weChat.RoundTrip(moved)
	})
}

// selective drops the cookies that the browser does not keep.
func (b *browser) selective(res *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	for _, cookie := range res.Cookies() {
		b.town.secrets.add("cookie", cookie.Value)
	}
	if b.keep != nil {
		kept := res.Header["Set-Cookie"][:0:0]
		for _, line := range res.Header["Set-Cookie"] {
			if name, _, _ := strings.Cut(line, "="); b.keep(name) {
				kept = append(kept, line)
			}
		}
		res.Header["Set-Cookie"] = kept
	}
	return res, nil
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// insider asks the site without a network.
type insider struct{ town *town }

func (i insider) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	served.Host, served.RequestURI = r.URL.Host, r.URL.RequestURI()
	u, err := url.ParseRequestURI(served.RequestURI)
	if err != nil {
		return nil, err
	}
	if served.URL = u; !i.town.plain {
		served.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	i.town.ServeHTTP(w, served)
	res := w.Result()
	res.Request = r
	return res, nil
}

// send sends one request and follows nothing.
func (b *browser) send(method, address, body string, headers ...string) hop {
	b.town.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.town.origin() + address
	}
	r, err := http.NewRequestWithContext(b.town.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.town.t.Fatalf("%s %s: %v", method, address, err)
	}
	r.Header.Set("User-Agent", b.ua)
	r.Header.Set("Accept", acceptAll)
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.town.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.town.t.Fatalf("%s %s: %v", method, address, err)
	}
	h := hop{t: b.town.t, url: address, status: res.StatusCode, header: res.Header, body: string(text)}
	b.town.checkHop(h)
	b.town.checkNumber(h)
	return h
}

// form posts a form from a page of the site.
func (b *browser) form(address string, values url.Values, headers ...string) hop {
	b.town.t.Helper()
	return b.send(http.MethodPost, address, values.Encode(), append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Origin", b.town.origin(), "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate",
	}, headers...)...)
}

// script asks as fetch does.
func (b *browser) script(method, address string, headers ...string) hop {
	b.town.t.Helper()
	return b.send(method, address, "", append([]string{"Accept", "*/*", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// open loads a page and follows redirects to the end.
func (b *browser) open(address string, headers ...string) visit {
	b.town.t.Helper()
	v := visit{b.send(http.MethodGet, address, "", headers...)}
	for v.last().redirects() {
		if len(v) > maxHops {
			b.town.t.Fatalf("an endless redirect: %s", v)
		}
		v = append(v, b.send(http.MethodGet, v.last().location(), "", headers...))
	}
	return v
}

// until loads a page up to, and without, the callback.
func (b *browser) until(address string) (callback string) {
	b.town.t.Helper()
	for range maxHops {
		h := b.send(http.MethodGet, address, "")
		if !h.redirects() {
			b.town.t.Fatalf("%s leads to no callback but to %d %s", address, h.status, h.kind())
		}
		if address = h.location(); strings.HasPrefix(address, b.town.origin()+"/_wechat/callback/") {
			return address
		}
	}
	b.town.t.Fatal("an endless redirect")
	return ""
}

// decide answers WeChat's consent page, allow or refuse, and follows on.
func (b *browser) decide(asked hop, decision string) visit {
	b.town.t.Helper()
	id := consentID.FindStringSubmatch(asked.body)
	if id == nil || !strings.HasPrefix(asked.url, "https://open.weixin.qq.com/") {
		b.town.t.Fatalf("%s is not WeChat's consent page: %d %s", asked.url, asked.status, asked.body)
	}
	return b.open("https://open.weixin.qq.com/connect/oauth2/consent?id=" + id[1] + "&decision=" + decision)
}

// consents signs somebody in with everything: our page, WeChat's, and back.
func (b *browser) consents(address string) visit {
	b.town.t.Helper()
	page := b.open(address).last()
	if page.kind() != "consent" {
		b.town.t.Fatalf("%s shows no consent page but %d %q", address, page.status, page.kind())
	}
	v := b.open(page.button())
	if strings.HasPrefix(v.last().url, "https://open.weixin.qq.com/") {
		v = append(v, b.decide(v.last(), "allow")...)
	}
	return v
}
