package test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// hint is the line that a warning tells the operator to write.
func (w *world) hint(message string) string {
	w.t.Helper()
	var found []string
	for line := range strings.Lines(w.log()) {
		if m := regexp.MustCompile("`([^`]+)`").FindStringSubmatch(line); m != nil && strings.Contains(line, message) && strings.Contains(line, `"level":"warn"`) {
			found = append(found, m[1])
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d warnings %q, want one", len(found), message)
	}
	return found[0]
}

// WeChat asks for a file that is not configured: the line of the log, written into
// the account, serves it.
func TestHintForTheVerifyFile(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	const file = "/MP_verify_AbCd1234EfGh5678.txt"
	asks := w.visitor("ming")
	for range 3 {
		if a := asks.send(http.MethodGet, w.site+file, "", http.Header{"User-Agent": {"Mozilla/4.0"}, "Accept": {"*/*"}}); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("answered %s", a.Status)
		}
	}
	w.load(w.caddyfile(options{account: w.hint("verification file is not configured")}))
	asks.client.CloseIdleConnections() // a server of before may still answer there
	if a := asks.send(http.MethodGet, w.site+file, "", nil); a.StatusCode != http.StatusOK || a.body != "AbCd1234EfGh5678" {
		t.Errorf("with the line: %s %q", a.Status, a.body)
	}
	if taken := w.app.take(); len(taken) != 0 {
		t.Errorf("the app was asked: %v", taken)
	}
}

// TLS ends before Caddy: the line of the log, written into the site, mends it. Only a
// proxy that Caddy does not know is told about trusted_proxies.
func TestHintForTheOrigin(t *testing.T) {
	for name, c := range map[string]struct {
		server string
		known  bool
	}{
		"a proxy that Caddy trusts":        {"servers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}", true},
		"a proxy that Caddy does not know": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			proxied := http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.7"}}
			callback := func() string {
				t.Helper()
				location, err := w.visitor("ming").send(http.MethodGet, w.site+"/", "", proxied).Location()
				if err != nil {
					t.Fatal(err)
				}
				return location.Query().Get("redirect_uri")
			}
			w.load(w.caddyfile(options{server: c.server}))
			for range 3 {
				if back := callback(); !strings.HasPrefix(back, "http://") {
					t.Errorf("X-Forwarded-Proto decides: %s", back)
				}
			}
			line := w.hint("X-Forwarded-Proto says https")
			if told := strings.Contains(w.log(), "add the proxy to trusted_proxies"); told == c.known {
				t.Errorf("told of trusted_proxies: %t", told)
			}
			w.load(w.caddyfile(options{server: c.server, auth: line}))
			if back := callback(); !strings.HasPrefix(back, "https://127.0.0.1:"+w.port+"/") {
				t.Errorf("with %s: %s", line, back)
			}
			w.hint("X-Forwarded-Proto says https") // no second line
		})
	}
}

// signedCheck is the query by which WeChat's console checks a server URL, now.
func signedCheck(token string) string {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	return url.Values{
		"signature": {wechat.PushSignature(wechat.NewSecret(token), now, "1320562132")}, "timestamp": {now}, "nonce": {"1320562132"}, "echostr": {"echo"},
	}.Encode()
}

// A wrong push_token: the line names the account, and the right one is accepted.
func TestHintForThePushToken(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.folder, "push-token")
	token := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.load(w.caddyfile(options{account: "push_token {file." + file + "}"}))
	}
	token("anotherToken")
	check := w.site + "/_wechat/push/default?" + signedCheck("tokenOfTheConsole")
	for range 3 {
		if a := w.visitor("ming").send(http.MethodGet, check, "", nil); a.StatusCode != http.StatusForbidden {
			t.Fatalf("answered %s", a.Status)
		}
	}
	var lines []string
	for line := range strings.Lines(w.log()) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, "push_token") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], `"account":"default"`) || strings.Contains(lines[0], "anotherToken") {
		t.Errorf("the log says %s", lines)
	}
	token("tokenOfTheConsole")
	if a := w.visitor("ming").send(http.MethodGet, check, "", nil); a.StatusCode != http.StatusOK || a.body != "echo" {
		t.Errorf("with the right token: %s %q", a.Status, a.body)
	}
}

// A visitor reads a number out: the command of docs/operators.md finds why.
func TestNumberOnThePageFindsTheLine(t *testing.T) {
	document, err := os.ReadFile("../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^grep '"flow":"([A-Z2-7]{8})"' /var/log/caddy/\*\.log$`).FindSubmatch(document)
	if command == nil {
		t.Fatal("docs/operators.md has no command to look for a number")
	}
	w := newWorld(t)
	w.load(strings.Replace(w.caddyfile(options{auth: "scope snsapi_base"}), "level DEBUG", "level INFO", 1))
	w.quirks(wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40125, Endpoint: wechattest.AtToken}})
	a := w.visitor("ming").open(w.site + "/")
	number := attribute(a.body, `<footer>编号 <span>([^<]+)</span>`)
	if a.StatusCode != http.StatusInternalServerError || number == "" {
		t.Fatalf("%s, number %q", a.Status, number)
	}
	line := strings.NewReplacer(string(command[1]), number, "/var/log/caddy/*.log", filepath.Join(w.folder, "*.log")).Replace(string(command[0]))
	found, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil || !strings.Contains(string(found), "sign-in is misconfigured") || !strings.Contains(string(found), `"errcode":40125`) {
		t.Errorf("%s: %v\n%s", line, err, found)
	}
}
