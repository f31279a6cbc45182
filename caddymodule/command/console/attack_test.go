package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// ban is a form that changes something, with what the test sets about it.
func (d *desk) ban(csrf string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.send(d.request(http.MethodPost, d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {csrf}}, header...))
}

// wantsNothingDone fails if the gateway was asked to change something.
func (d *desk) wantsNothingDone(what string, answer *httptest.ResponseRecorder) {
	d.t.Helper()
	if answer.Code < 400 {
		d.t.Errorf("%s: answered %d", what, answer.Code)
	}
	if changes := d.gateway.changes(); len(changes) > 0 {
		d.t.Errorf("%s: the gateway is told %v", what, changes)
	}
}

// Attack: the name of another site leads to our address (DNS rebinding), and
// its page reads and sends as if it were the console.
func TestAttackRebinding(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, host := range []string{"evil.example", "evil.example:2020", "127.0.0.1", "127.0.0.1:2021", "127.0.0.1.evil.example:2020", "[::1]:2020", "0.0.0.0:2020", "2130706433:2020", "localhost", "localhost.:2020", ""} {
		for _, path := range []string{d.base + "/", "/", "/enter?token=x", "/style.css"} {
			answer := d.send(d.request("GET", path, nil, "Host", host))
			if answer.Code != http.StatusMisdirectedRequest || strings.Contains(answer.Body.String(), "<") {
				t.Errorf("%s at %q: %d %s", path, host, answer.Code, answer.Body)
			}
		}
		d.wantsNothingDone(host, d.ban(d.csrf, "Host", host, "Origin", "http://"+host))
	}
	for _, host := range []string{at, "localhost:2020", "LOCALHOST:2020"} {
		if answer := d.send(d.request("GET", d.base+"/", nil, "Host", host)); answer.Code != http.StatusOK {
			t.Errorf("at %q: %d", host, answer.Code)
		}
	}
}

// Attack: a page of another site, or of another program on this machine, sends
// a form with the operator's cookie.
func TestAttackOtherOrigins(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for name, header := range map[string][]string{
		"another site":               {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"a frame without origin":     {"Sec-Fetch-Site", "cross-site"},
		"another port":               {"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:8080"},
		"another port that lies":     {"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8080"},
		"a bookmark":                 {"Sec-Fetch-Site", "none"},
		"no header at all":           {"Sec-Fetch-Site", "", "Origin", ""},
		"an old browser, elsewhere":  {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		"an old browser, no origin":  {"Sec-Fetch-Site", ""},
		"a name that begins as ours": {"Sec-Fetch-Site", "", "Origin", "http://" + at + ".evil.example"},
		"https":                      {"Sec-Fetch-Site", "", "Origin", "https://" + at},
		"a bare host":                {"Sec-Fetch-Site", "", "Origin", at},
	} {
		d.wantsNothingDone(name, d.ban(d.csrf, header...))
	}
	twice := d.request(http.MethodPost, d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {d.csrf}})
	twice.Header.Add("Origin", "http://"+at)
	d.wantsNothingDone("two origins", d.send(twice))
	for name, header := range map[string][]string{
		"our own page":           nil,
		"our page, with origin":  {"Origin", "http://" + at},
		"our page, old browser":  {"Sec-Fetch-Site", "", "Origin", "http://" + at},
		"without referrer rules": {"Origin", ""},
	} {
		if answer := d.ban(d.csrf, header...); answer.Code != http.StatusSeeOther {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

// Attack: another site leads to a page of the console, or includes it. No
// personal data get into an answer, even if the cookie came along.
func TestAttackForeignNavigation(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, site := range []string{"cross-site", "same-site"} {
		for _, path := range []string{"/persons/" + ming, "/persons/" + ming + "/export"} {
			page := d.get(path, "Sec-Fetch-Site", site)
			if page.Code != http.StatusForbidden || strings.Contains(page.Body.String(), openID) || strings.Contains(page.Body.String(), d.csrf) {
				t.Errorf("%s from %s: %d %s", path, site, page.Code, page.Body)
			}
		}
	}
}

// Attack: a form without the token of the session, or with another one.
func TestAttackCSRF(t *testing.T) {
	t.Parallel()
	d, other := openDesk(t), openDesk(t)
	for name, csrf := range map[string]string{
		"empty": "", "wrong": strings.Repeat("A", 43), "of another session": other.csrf, "cut": d.csrf[:42], "longer": d.csrf + "A", "another case": strings.ToUpper(d.csrf),
		"the cookie's value": d.cookies["wechat_console"].Value,
	} {
		d.wantsNothingDone(name, d.ban(csrf))
	}
	for name, r := range map[string]*http.Request{
		"missing":      d.request("POST", d.base+"/persons/"+ming+"/ban", nil),
		"twice":        d.request("POST", d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {d.csrf, d.csrf}}),
		"in the query": d.request("POST", d.base+"/persons/"+ming+"/ban?csrf="+d.csrf, nil),
		"as text":      d.request("POST", d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {d.csrf}}, "Content-Type", "text/plain"),
		"as JSON":      d.request("POST", d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {d.csrf}}, "Content-Type", "application/json"),
		"as a file":    d.request("POST", d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {d.csrf}}, "Content-Type", "multipart/form-data; boundary=x"),
		"without type": d.request("POST", d.base+"/persons/"+ming+"/ban", url.Values{"csrf": {d.csrf}}, "Content-Type", ""),
		"with a GET":   d.request("GET", d.base+"/persons/"+ming+"/ban?csrf="+d.csrf, nil),
	} {
		d.wantsNothingDone(name, d.send(r))
	}
}

// Attack: a request without a session, or with an invented one, learns and
// changes nothing.
func TestAttackNoSession(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for name, cookie := range map[string]*http.Cookie{
		"none": nil, "empty": {Name: "wechat_console", Value: ""}, "invented": {Name: "wechat_console", Value: strings.Repeat("A", 43)},
		"under another name": {Name: "Wechat_console", Value: d.cookies["wechat_console"].Value},
	} {
		thief := *d
		thief.cookies = map[string]*http.Cookie{}
		if cookie != nil {
			thief.cookies[cookie.Name] = cookie
		}
		for _, c := range consolePages {
			page := thief.get(c.path)
			if page.Code != http.StatusForbidden || strings.Contains(page.Body.String(), ming) || strings.Contains(page.Body.String(), d.csrf) || strings.Contains(page.Body.String(), d.base) {
				t.Errorf("%s: %s answers %d %s", name, c.path, page.Code, page.Body)
			}
		}
		thief.wantsNothingDone(name, thief.ban(d.csrf))
	}
	for _, path := range []string{"/", "/persons", "/persons/" + ming, "/x/../" + d.base, strings.ToUpper(d.base) + "/"} {
		if page := d.send(d.request("GET", path, nil)); page.Code == http.StatusOK || strings.Contains(page.Body.String(), "v1.0.0") {
			t.Errorf("outside the console's path, %s: %d", path, page.Code)
		}
	}
}

// Attack: buttons of the console in a frame of another site (clickjacking), its
// pages in a cache, scripts in them. Every answer has the headers.
func TestAttackClickjackingHeaders(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"a page": d.get("/persons/" + ming), "the entrance": d.send(d.request("GET", "/", nil)), "a wrong address": d.get("/nowhere"), "a refusal": d.ban("wrong"),
		"an export": d.get("/persons/" + ming + "/export"), "the style": d.send(d.request("GET", "/style.css", nil)), "another name": d.get("/", "Host", "evil.example"), "a redirect": d.post("/keys"),
		"a used address": d.send(d.request("GET", "/enter?token=x", nil)), "another method": d.send(d.request("DELETE", d.base+"/", nil)),
	} {
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Frame-Options":         "DENY", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := answer.Header().Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
	}
}

// Attack: other methods, and bodies without an end.
func TestAttackMethodsAndBodies(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "X"} {
		if answer := d.send(d.request(method, d.base+"/persons/"+ming, nil)); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") == "" {
			t.Errorf("%s: %d", method, answer.Code)
		}
	}
	d.wantsNothingDone("a large form", d.post("/persons/"+ming+"/ban", "reason", strings.Repeat("x", 17<<10)))
	d.wantsNothingDone("POST where there is only a page", d.post("/webhooks"))
}

// Attack: an id that is a part of a path leads to another call of the admin
// endpoint. Such an id leads to no call at all.
func TestAttackPathTricksInIDs(t *testing.T) {
	t.Parallel()
	type try struct{ method, path, field, value string }
	var tries []try
	both := func(path string) {
		tries = append(tries, try{method: "GET", path: path}, try{method: "POST", path: path})
	}
	for _, id := range []string{
		"..", "%2e%2e", "..%2Fkeys%2Frotate", "%2e%2e%2f%2e%2e%2fconfig", "@%2Fban", "@%2F..%2F" + hong, "@%3Fa=b", "@%23x", "@%00", "@%0d%0aX:y", "count",
		strings.ToUpper(ming), "@a", ming[:25], "%E5%B0%8F", "@%20", "@;x", "%252e%252e", "@%5C..",
	} {
		id = strings.ReplaceAll(id, "@", ming)
		for _, what := range []string{"", "/export", "/erase", "/ban", "/unban", "/sessions"} {
			both("/persons/" + id + what)
		}
	}
	for _, name := range []string{"..", "%2e%2e", "crm%2Fdead", "crm%2F..%2Fkeys", "CRM", "crm%3Fx=y", "crm%20", "crm_1", strings.Repeat("a", 65)} {
		for _, what := range []string{"", "/test", "/redeliver", "/purge", "/letters/" + letter} {
			both("/webhooks/" + name + what)
		}
	}
	for _, id := range []string{"..", "%2e%2e", "x%2Fy", "x%3Fy", "x%00", "%5C", strings.Repeat("a", 129)} {
		both("/webhooks/crm/letters/" + id)
	}
	for _, id := range []string{"..", "../../keys/rotate", "x/y", "x?y", "x y", "x\r\ny", strings.Repeat("a", 129)} {
		tries = append(tries, try{"POST", "/webhooks/crm/redeliver", "letter", id}, try{"POST", "/webhooks/crm/purge", "letter", id}, try{"POST", "/persons/" + ming + "/sessions", "session", id},
			try{"GET", "/webhooks/crm/purge?letter=" + url.QueryEscape(id), "", ""})
	}
	d := openDesk(t)
	d.gateway.asked = nil
	for _, c := range tries {
		form := url.Values{"csrf": {d.csrf}, "all": {"yes"}, "word": {"ab2cd3"}}
		if c.field != "" {
			form.Set(c.field, c.value)
		}
		if c.method == "GET" {
			form = nil
		}
		answer := d.send(d.request(c.method, d.base+c.path, form))
		if answer.Code == http.StatusOK && !strings.Contains(answer.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%v: %d", c, answer.Code)
		}
		if len(d.gateway.asked) > 0 {
			t.Errorf("%v: the gateway is asked %q", c, d.gateway.asked)
			d.gateway.asked = nil
		}
	}
}
