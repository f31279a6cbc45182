package test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// listCounter stands before a gateway as its public origin, and counts how
// often the list of public keys is asked for.
type listCounter struct {
	*httptest.Server
	fetched atomic.Int32
	instead atomic.Pointer[http.HandlerFunc] // what answers for the list; nil for the gateway
	begun   time.Time
}

func (w *world) listCounter() *listCounter {
	w.t.Helper()
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + w.port}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	f := &listCounter{begun: time.Now()}
	f.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_wechat/jwks.json" {
			f.fetched.Add(1)
			if instead := f.instead.Load(); instead != nil {
				(*instead)(rw, r)
				return
			}
		}
		proxy.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(f.Close)
	return f
}

// answers has another program than the gateway answer for the list, nil for
// none.
func (f *listCounter) answers(h http.HandlerFunc) {
	if h == nil {
		f.instead.Store(nil)
		return
	}
	f.instead.Store(&h)
}

// checkFetched checks that a verifier asked for the list at most once a minute.
// It has seen so many minutes less go by than have gone by.
func (f *listCounter) checkFetched(t *testing.T, aged int) {
	t.Helper()
	most := 1 + aged + int(time.Since(f.begun)/time.Minute)
	if n := int(f.fetched.Load()); n > most || n == 0 {
		t.Errorf("the list was fetched %d times, want at most %d", n, most)
	}
}

// asserting loads a gateway that signs assertions with these session keys.
func (w *world) asserting(f *listCounter, keys ...string) {
	w.t.Helper()
	o := options{auth: "origin " + f.URL + "\n\t\tassertion"}
	if len(keys) > 0 {
		o.global = "session {\n\t\t\tkey \"" + strings.Join(keys, "\"\n\t\t\tkey \"") + "\"\n\t\t}"
	}
	w.load(w.caddyfile(o))
}

// asserted signs ming in and returns the assertion that the app gets.
func (w *world) asserted(f *listCounter) string {
	w.t.Helper()
	w.app.take()
	if a := w.visitor("ming").signIn(f.URL + "/"); a.StatusCode != http.StatusOK {
		w.t.Fatalf("signing in: %s at %s", a.Status, a.url)
	}
	all := w.app.take()
	if values := all[len(all)-1].header.Values(site.HeaderAssertion); len(values) == 1 {
		return values[0]
	}
	w.t.Fatalf("the app got no assertion, or several: %v", all[len(all)-1].header)
	return ""
}

// signatureKey returns the private key that signs for a session key, as the
// gateway derives it.
func signatureKey(t *testing.T, secret string) *ecdsa.PrivateKey {
	t.Helper()
	ring, err := session.NewRing(secret)
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := ring.SignatureKeys()
	raw, err := keys[0].Derive("assertion/ES256", 32)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// headerOf returns the first part of a token.
func headerOf(t *testing.T, token string) jose.Header {
	t.Helper()
	signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return signed.Signatures[0].Header
}

// documentedCode returns the code of docs/assertion.md whose first lines name
// this file, with a site in place of the documented one.
func documentedCode(t *testing.T, file, site string) string {
	t.Helper()
	document, err := os.ReadFile("../docs/assertion.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?s)\n```[a-z]+\n((?:<\\?php\n)?(?://|#) " + regexp.QuoteMeta(file) + "\n.*?)\n```\n").FindSubmatch(document)
	if code == nil {
		t.Fatalf("docs/assertion.md has no %s", file)
	}
	const documented = "https://shop.example.com"
	if !strings.Contains(string(code[1]), documented) && site != "" {
		t.Fatalf("%s does not name %s", file, documented)
	}
	return strings.ReplaceAll(string(code[1]), documented, site) + "\n"
}

// place writes a file into a folder.
func place(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// verifier is a program that verifies one assertion a line.
type verifier struct {
	t     *testing.T
	in    io.Writer
	lines *bufio.Reader
}

// verifies starts a program of a folder. What it writes to its second output is
// shown if the test fails.
func verifies(t *testing.T, folder, name string, args ...string) *verifier {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = folder
	ownGroup(command)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errors output
	command.Stderr = &errors
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends when its input does
		if err := command.Wait(); err != nil || t.Failed() {
			t.Errorf("%s: %v\n%s", name, err, errors.String())
		}
	})
	return &verifier{t, in, bufio.NewReader(out)}
}

// ask returns the program's answer to a line: "ok" with openid and nickname, or
// "refused".
func (v *verifier) ask(line string) string {
	v.t.Helper()
	if _, err := fmt.Fprintln(v.in, line); err != nil {
		v.t.Fatal(err)
	}
	answer, err := v.lines.ReadString('\n')
	if err != nil {
		v.t.Fatalf("no answer to %.80q: %v", line, err)
	}
	return strings.TrimSuffix(answer, "\n")
}

// age lets a time go by for the program's list of keys.
func (v *verifier) age(d time.Duration) {
	v.t.Helper()
	if answer := v.ask(fmt.Sprintf("age %d", int(d.Seconds()))); answer != "aged" {
		v.t.Fatalf("aging was answered %q", answer)
	}
}

// run runs a program to its end.
func run(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
