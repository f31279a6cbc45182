package sdk

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The Express app of docs/upstreams.md behind the gateway: it knows its
// visitor, believes no forged header, and listens on this machine only.
func TestExpressBehindTheGateway(t *testing.T) {
	w := newWorld(t)
	w.press("consent", "person", person, "account", appID, "to", "on")
	port := freePort(t)
	runExpress(t, port)
	w.runGateway("http://127.0.0.1:"+port, "")
	type me struct {
		Visitor    *struct{ ID, OpenID, Nickname string }
		IP, Scheme string
	}
	browser := visitor(t)
	got := read[me](t, open(t, browser, w.site+"/_wechat/login?return_to=/me&scope=snsapi_userinfo"))
	if got.Visitor == nil || len(got.Visitor.ID) != 26 || got.Visitor.OpenID == "" || got.Visitor.Nickname != "小明" || got.IP != "127.0.0.1" || got.Scheme != "http" {
		t.Fatalf("the visitor is %+v, %+v", got, got.Visitor)
	}
	request, err := http.NewRequest(http.MethodGet, w.site+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"User-Agent": {phoneUA}, "X-Wechat-User": {"evil"}, "X-Wechat-Nickname": {"evil"}, "X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"https"}}
	if again := read[me](t, answered(t, browser, request)); again.Visitor == nil || *again.Visitor != *got.Visitor || again.IP != got.IP || again.Scheme != got.Scheme {
		t.Errorf("with forged headers the visitor is %+v, %+v", again, again.Visitor)
	}
}

// runExpress runs the app as an operator copies it, and waits until it listens.
func runExpress(t *testing.T, port string) {
	t.Helper()
	document, err := os.ReadFile("../../docs/upstreams.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(document), "```js\n// app.js\n")
	code, _, ends := strings.Cut(rest, "\n```\n")
	if !found || !ends {
		t.Fatal("docs/upstreams.md has no app.js")
	}
	packages, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(packages, "express")); err != nil {
		t.Fatal("the npm packages are missing: run npm ci in test/sdk, as test/all.sh does")
	}
	file := filepath.Join(t.TempDir(), "app.js")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command("node", file)
	program.Env = append(os.Environ(), "PORT="+port, "NODE_PATH="+packages, "NODE_ENV=production")
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	for range 600 {
		if connection, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = connection.Close()
			keepsToLoopback(t, port)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the app does not listen after a minute")
}

// keepsToLoopback reads from the kernel that a port is open on 127.0.0.1 alone.
func keepsToLoopback(t *testing.T, port string) {
	t.Helper()
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", number)) {
				open = append(open, fields[1])
			}
		}
	}
	if len(open) != 1 || !strings.HasPrefix(open[0], "0100007F:") {
		t.Errorf("the app listens on %q, want 127.0.0.1 alone", open)
	}
}
