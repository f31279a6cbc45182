package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/caddymodule/command/console"
	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/doctor"
)

const at = "127.0.0.1:2020"

// desk is a console in front of a fake gateway, and the operator's browser.
// Requests carry the headers of a browser that is on a page of the console.
type desk struct {
	t       *testing.T
	gateway *fakeGateway
	console *console.Console
	cookies map[string]*http.Cookie
	base    string // the console's path, after enter
	csrf    string // of the last page
}

// newDesk returns a desk at which nobody is signed in.
func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, gateway: newFakeGateway(), cookies: map[string]*http.Cookie{}}
	var err error
	d.console, err = console.New(console.Config{Listen: at, Gateway: "localhost:2019", Admin: d.gateway, Examine: examined})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// openDesk returns a desk at which the operator is signed in.
func openDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.enter(d.console.Address())
	return d
}

// examined is what the doctor finds.
func examined(ctx context.Context) (doctor.Report, error) {
	if err := ctx.Err(); err != nil {
		return doctor.Report{}, err
	}
	return doctor.Report{Findings: []doctor.Finding{
		{Check: "configuration", Status: doctor.Pass, Says: advice.Text{Chinese: "可以加载：1 个账号，1 个网站", English: "it can be loaded: accounts: 1, sites: 1"}},
		{Check: "secret", Subject: "main", Status: doctor.Failure, Advice: "allowlist", Says: advice.Text{Chinese: "微信回答 40164：要加到 IP白名单 的地址是 203.0.113.7", English: "WeChat answers 40164: the address to add to the IP allowlist is 203.0.113.7"}},
		{Check: "clock", Status: doctor.Unknown, Advice: "not-running", Says: advice.Text{Chinese: "没有回答", English: "it does not answer"}},
	}}, nil
}

// enter opens a one-time address, and goes on to the console.
func (d *desk) enter(address string) {
	d.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		d.t.Fatal(err)
	}
	answer := d.send(d.request(http.MethodGet, u.RequestURI(), nil, "Sec-Fetch-Site", "none"))
	location := answer.Header().Get("Location")
	if answer.Code != http.StatusSeeOther || !strings.HasSuffix(location, "/") {
		d.t.Fatalf("entering: %d to %q: %s", answer.Code, location, answer.Body)
	}
	d.base = strings.TrimSuffix(location, "/")
	if page := d.get("/"); page.Code != http.StatusOK {
		d.t.Fatalf("after entering: %d %s", page.Code, page.Body)
	}
}

// request makes a request of the browser. header are names and values; an empty
// value removes a header.
func (d *desk) request(method, target string, form url.Values, header ...string) *http.Request {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://"+at+target, strings.NewReader(form.Encode()))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Origin", "null")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, cookie := range d.cookies {
		r.AddCookie(cookie)
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			r.Host = header[i+1]
		case header[i+1] == "":
			r.Header.Del(header[i])
		default:
			r.Header.Set(header[i], header[i+1])
		}
	}
	return r
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// send sends a request, and keeps cookies and the page's token.
func (d *desk) send(r *http.Request) *httptest.ResponseRecorder {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.console.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(d.cookies, cookie.Name)
			continue
		}
		d.cookies[cookie.Name] = cookie
	}
	if found := csrfField.FindStringSubmatch(w.Body.String()); found != nil {
		d.csrf = found[1]
	}
	if strings.Contains(w.Body.String(), "cannot be shown") {
		d.t.Errorf("%s %s: %s", r.Method, r.URL, w.Body)
	}
	return w
}

// get opens a page of the console.
func (d *desk) get(path string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.send(d.request(http.MethodGet, d.base+path, nil, header...))
}

// post sends a form of the last page. fields are names and values.
func (d *desk) post(path string, fields ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	form := url.Values{"csrf": {d.csrf}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return d.send(d.request(http.MethodPost, d.base+path, form))
}

// follows goes where a form has led, and wants a notice there.
func (d *desk) follows(answer *httptest.ResponseRecorder, want string) {
	d.t.Helper()
	location, ok := strings.CutPrefix(answer.Header().Get("Location"), d.base)
	if answer.Code != http.StatusSeeOther || !ok {
		d.t.Fatalf("answered %d to %q: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	page := d.get(location)
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), want) {
		d.t.Errorf("%s: %d, without %q: %s", location, page.Code, want, page.Body)
	}
	if again := d.get(location); strings.Contains(again.Body.String(), want) {
		d.t.Errorf("%q is said twice", want)
	}
}

var errRefused = errors.New("asking the running server: dial tcp 127.0.0.1:2019: connect: connection refused")

// newConsole returns a console whose doctor says when it begins, and waits.
func newConsole(t *testing.T, gateway *fakeGateway, begun, finish chan struct{}) *console.Console {
	t.Helper()
	c, err := console.New(console.Config{Listen: at, Gateway: "localhost:2019", Admin: gateway, Examine: func(ctx context.Context) (doctor.Report, error) {
		begun <- struct{}{}
		<-finish
		return examined(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
