package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const upstreamsDocument = "../docs/upstreams.md"

var snippetFence = regexp.MustCompile("(?ms)^```[a-z]+\n(.*?)^```$")

// snippet returns the block of docs/upstreams.md that names this file in one of
// its first two lines, as an operator copies it.
func snippet(t *testing.T, file string) string {
	t.Helper()
	var found []string
	for _, match := range snippetFence.FindAllStringSubmatch(read(t, upstreamsDocument), -1) {
		head := strings.SplitN(match[1], "\n", 3)
		if strings.Contains(head[0], file) || len(head) > 1 && strings.Contains(head[1], file) {
			found = append(found, match[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks for %s, want 1", upstreamsDocument, len(found), file)
	}
	return found[0]
}

// put writes a file of an app, and its folders.
func put(t *testing.T, text string, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// listens starts an app that listens on a port, waits for it, and checks that
// it keeps to this machine, as docs/upstreams.md promises.
func listens(t *testing.T, port string, command *exec.Cmd) {
	t.Helper()
	p, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	if err := p.until(2*time.Minute, func() bool {
		connection, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		return err == nil && connection.Close() == nil
	}); err != nil {
		t.Fatal(err)
	}
	keepsToLoopback(t, port)
}

// keepsToLoopback reads from the kernel which addresses a port is open on.
func keepsToLoopback(t *testing.T, port string) {
	t.Helper()
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for line := range strings.Lines(read(t, table)) {
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[3] != "0A" { // listens
				continue
			}
			address, at, _ := strings.Cut(fields[1], ":")
			if at != fmt.Sprintf("%04X", number) {
				continue
			}
			found++
			switch address {
			case "0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F":
			default:
				t.Errorf("the app listens on %s as well, where the gateway does not protect it", address)
			}
		}
	}
	if found == 0 {
		t.Errorf("nothing listens on port %s", port)
	}
}

// meets signs a person in at a page of the site.
func (w *world) meets(t *testing.T, site, person, path string) (*visitor, answer) {
	t.Helper()
	v := w.secureVisitor(person)
	a := v.signIn(site + path)
	if a.StatusCode != http.StatusOK || a.url != site+path {
		t.Fatalf("%s ended at %s with %s: %.300s", person, a.url, a.Status, a.body)
	}
	return v, a
}

// prankster is a person whose nickname is a script.
func (w *world) prankster(t *testing.T) string {
	t.Helper()
	if err := w.wechat.AddPerson(wechattest.Person{ID: "prankster", Nickname: `<script>alert("1")</script>`}); err != nil {
		t.Fatal(err)
	}
	return "prankster"
}

// carries gives a visitor a cookie of another one's in the place of their own,
// as two people with one browser have it. path is the cookie's.
func (v *visitor) carries(t *testing.T, site, path string, other *visitor, name string) {
	t.Helper()
	v.plants(t, site, path, name, other.cookie(site+path, name))
}

// plants gives a visitor a cookie of this value. path is the cookie's.
func (v *visitor) plants(t *testing.T, site, path, name, value string) {
	t.Helper()
	u, err := url.Parse(site + path)
	if err != nil {
		t.Fatal(err)
	}
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: path}})
}

// says decodes what an app says in JSON.
func says[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v in %.300s", a.url, a.Status, err, a.body)
	}
	return v
}

// forger sends another's name beside the session's.
func forger() http.Header {
	return http.Header{"X-Wechat-User": {"evil"}, "X_wechat_user": {"evil"}, "X-Wechat-Nickname": {"evil"}, "Remote-User": {"evil"}, "Remote_user": {"evil"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-For": {"192.0.2.1"}}
}

// Each section about a language says whether a test runs it, and how the app is
// kept out of reach.
func TestUpstreamsDocument(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(read(t, upstreamsDocument), "\n## JSP\n")
	if !found {
		t.Fatal("there is no section JSP")
	}
	sections := strings.Split("JSP\n"+rest, "\n## ")
	if len(sections) < 10 {
		t.Errorf("only %d sections", len(sections))
	}
	for _, section := range sections {
		name, text, _ := strings.Cut(section, "\n")
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(text, "Run by our tests") && !strings.Contains(text, "**Read, not run:**") {
				t.Error("it does not say whether it was run")
			}
			if !strings.Contains(text, "**Out of reach:**") {
				t.Error("it does not say how the app is kept out of reach")
			}
		})
	}
}
