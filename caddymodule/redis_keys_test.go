package caddymodule_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// docs/fleet.md names all keys and channels in Redis, and no others: operators
// write rights, and look for what fills a memory, by that table.
func TestRedisKeysAreDocumented(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	used := watchKeys(t, server)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "user="+r.Header.Get("X-Wechat-User"))
	}))
	t.Cleanup(app.Close)
	heard := make(chan struct{}, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard <- struct{}{} }))
	t.Cleanup(receiver.Close)
	store := fmt.Sprintf(`{"store":"redis","address":%q}`, server.URL())
	more := fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["%s"]}],`, receiver.URL, strings.Repeat("k", 32))
	o := openOfficeWith(t, store, more)
	o.reloadTo(another{store: store, more: more, account: `,"follower_unionid":true`, auth: `,"outside_wechat":"scan"`, app: strings.TrimPrefix(app.URL, "http://")})
	o.worksAltogether(t)
	<-heard
	phone := o.caller("hong")
	phone.signIn()
	o.signsInByScan(t, phone)
	phone.signsOut()

	documented := documentedKeys(t)
	seen := map[string]bool{}
	for key := range used() {
		known := false
		for name, form := range documented {
			if form.MatchString(key) {
				seen[name], known = true, true
			}
		}
		if !known {
			t.Errorf("docs/fleet.md does not name %q", key)
		}
	}
	for name := range documented {
		if !seen[name] {
			t.Errorf("docs/fleet.md names %q, and nothing is called so", name)
		}
	}
}

// documentedKeys are the names in the section of docs/fleet.md, by how they are
// written.
func documentedKeys(t *testing.T) map[string]*regexp.Regexp {
	t.Helper()
	text, err := os.ReadFile("../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What is in Redis\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names := map[string]*regexp.Regexp{}
	for _, m := range regexp.MustCompile("`(wechat:[^`]+)`").FindAllStringSubmatch(section, -1) {
		form := strings.ReplaceAll(regexp.QuoteMeta(m[1]), `\{…\}`, `\{[A-Za-z0-9_-]*\}`)
		if cut, open := strings.CutSuffix(form, "…"); open {
			form = cut + `[^{}]*`
		}
		names[m[1]] = regexp.MustCompile("^" + form + "$")
	}
	if len(names) < 10 {
		t.Fatalf("only %d names", len(names))
	}
	return names
}

// watchKeys notes whatever begins like a key in the commands that a server gets, those
// of scripts too: many keys live for a moment.
func watchKeys(t *testing.T, server *redistest.Server) (used func() map[string]bool) {
	t.Helper()
	at, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	if password, protected := at.User.Password(); protected {
		_, _ = fmt.Fprintf(conn, "AUTH %s %s\r\n", at.User.Username(), password)
		lines.Scan()
	}
	_, _ = io.WriteString(conn, "MONITOR\r\n")
	if !lines.Scan() || lines.Text() != "+OK" {
		t.Fatalf("MONITOR: %q, %v", lines.Text(), lines.Err())
	}
	keys, argument := map[string]bool{}, regexp.MustCompile(` "(wechat:[^"]*)"`)
	var reader sync.WaitGroup
	reader.Go(func() {
		for lines.Scan() {
			for _, m := range argument.FindAllStringSubmatch(lines.Text(), -1) {
				keys[m[1]] = true
			}
		}
	})
	stop := sync.OnceFunc(func() {
		_ = conn.Close()
		reader.Wait()
	})
	t.Cleanup(stop)
	return func() map[string]bool { stop(); return keys }
}

var (
	scanNumber = regexp.MustCompile(`<p class="number">(\d{3})</p>`)
	scanNext   = regexp.MustCompile(`data-wait="[^"]+" data-next="([^"?]+)`)
	scanForm   = regexp.MustCompile(`<form class="actions" method="post" action="([^"]+)">`)
)

// signsInByScan signs a desktop in by a phone.
func (o *office) signsInByScan(t *testing.T, phone *caller) {
	t.Helper()
	desktop := o.caller("ming")
	ask := func(c *caller, ua, method, address string, form url.Values) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", ua)
		r.Header.Set("Accept", "text/html")
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", o.site)
		}
		response, err := c.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	const desktopUA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
	shown, body := ask(desktop, desktopUA, http.MethodGet, o.site+"/", nil)
	number, next := scanNumber.FindStringSubmatch(body), scanNext.FindStringSubmatch(body)
	sealed := ""
	for _, cookie := range shown.Cookies() {
		if cookie.Name == "wechat-scan-"+shown.Request.URL.Port() {
			_, sealed, _ = strings.Cut(cookie.Value, ".")
		}
	}
	if number == nil || next == nil || sealed == "" {
		t.Fatalf("no code is shown: %s %.300s", shown.Status, body)
	}
	page, body := ask(phone, phoneUA, http.MethodGet, o.site+"/_wechat/scan/"+sealed, nil)
	form := scanForm.FindStringSubmatch(body)
	if form == nil {
		t.Fatalf("the phone shows no numbers: %s %.300s", page.Status, body)
	}
	ask(phone, phoneUA, http.MethodPost, o.site+form[1], url.Values{"number": {number[1]}})
	if r, body := ask(desktop, desktopUA, http.MethodGet, o.site+next[1], nil); !strings.HasPrefix(body, "user=") {
		t.Fatalf("the desktop is not signed in: %s %.300s", r.Status, body)
	}
}
