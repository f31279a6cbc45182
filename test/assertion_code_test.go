package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// verifiers start the code of docs/assertion.md for a site, by language.
var verifiers = map[string]func(t *testing.T, site string) *verifier{
	"Java": javaVerifier, "PHP": phpVerifier, "Python": pythonVerifier, "Node": nodeVerifier, "Go": goVerifier,
}

// The code of docs/assertion.md accepts what a real gateway sends, and refuses
// everything else. It fetches the list of keys for a key id that it does not
// know, at most once a minute, and trusts no key that has left the list.
func TestAttackForgedAssertions(t *testing.T) {
	for name, starts := range verifiers {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.listCounter()
			w.asserting(f, oldKey)
			valid := w.asserted(f)
			v := starts(t, f.URL)
			want := "ok " + w.wechat.OpenID("ming", appID) + " 小明"
			if got := v.ask(valid); got != want {
				t.Fatalf("a valid assertion: %q, want %q", got, want)
			}
			forged := newForgery(t, oldKey, valid)
			if got := v.ask(forged.with(forged.key, nil, nil)); got != want {
				t.Fatalf("signed as the gateway does: %q, want %q", got, want)
			}
			all := forged.all()
			all["a key of another algorithm"] = ofEdDSA(t, oldKey, f.URL)
			for what, token := range all {
				if got := v.ask(token); got != "refused" {
					t.Errorf("%s: %q, want it refused: %.200s", what, got, token)
				}
			}
			f.checkFetched(t, 0)
			v.followsTheKeys(w, f, valid, want)
		})
	}
}

// followsTheKeys checks what a verifier does when keys change.
func (v *verifier) followsTheKeys(w *world, f *listCounter, old, want string) {
	v.t.Helper()
	w.asserting(f, newKey) // the old key has leaked
	next := w.asserted(f)
	v.age(61 * time.Second)
	if got := v.ask(next); got != want {
		v.t.Errorf("the first assertion of another key: %q, want %q", got, want)
	}
	if got := v.ask(old); got != "refused" {
		v.t.Errorf("an assertion of a key that has left the list: %q, want it refused", got)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		v.t.Fatal(err)
	}
	forged := newForgery(v.t, newKey, next)
	for i := range 50 {
		if got := v.ask(forged.with(stranger, map[string]any{"kid": fmt.Sprint("invented-", i)}, nil)); got != "refused" {
			v.t.Errorf("an invented key: %q", got)
		}
	}
	f.checkFetched(v.t, 1)
	f.answers(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "down", http.StatusBadGateway) })
	v.age(11 * time.Minute)
	if got := v.ask(next); got != want {
		v.t.Errorf("while the list cannot be fetched: %q, want %q", got, want)
	}
	v.age(time.Hour)
	if got := v.ask(next); got != "refused" {
		v.t.Errorf("an hour after the list could be fetched: %q, want it refused", got)
	}
	f.answers(nil)
	v.age(61 * time.Second)
	if got := v.ask(next); got != want {
		v.t.Errorf("when the list can be fetched again: %q, want %q", got, want)
	}
}

// The code takes its keys from an answer of status 200 only: neither from where
// a redirect leads, nor from the body of a redirect or of an error.
func TestAttackListOfKeysFromElsewhere(t *testing.T) {
	for name, starts := range verifiers {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.listCounter()
			w.asserting(f, oldKey)
			valid := w.asserted(f)
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			list := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "evil", Algorithm: "ES256", Use: "sig"}}}
			write := func(rw http.ResponseWriter, status int) {
				rw.Header().Set("Content-Type", "application/jwk-set+json")
				rw.WriteHeader(status)
				_ = json.NewEncoder(rw).Encode(list)
			}
			elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { write(rw, http.StatusOK) }))
			defer elsewhere.Close()
			forged := newForgery(t, oldKey, valid).with(key, map[string]any{"kid": "evil"}, nil)
			v := starts(t, f.URL)
			// As often as the code asks, a minute has gone by.
			for _, c := range []struct {
				status   int
				location string
			}{
				{status: 201},
				{status: 203},
				{status: 206},
				{status: 300},
				{status: 302},
				{status: 401},
				{status: 404},
				{status: 500},
				{301, elsewhere.URL},
				{302, elsewhere.URL},
				{303, elsewhere.URL},
				{307, elsewhere.URL},
				{308, elsewhere.URL},
			} {
				f.answers(func(rw http.ResponseWriter, _ *http.Request) {
					if c.location != "" {
						rw.Header().Set("Location", c.location)
					}
					write(rw, c.status)
				})
				before := f.fetched.Load()
				if got := v.ask(forged); got != "refused" {
					t.Errorf("a key of an answer with status %d and Location %q: %q, want it refused", c.status, c.location, got)
				}
				if n := f.fetched.Load() - before; n != 1 {
					t.Errorf("status %d, Location %q: the list was fetched %d times, want once", c.status, c.location, n)
				}
				v.age(61 * time.Second)
			}
			f.answers(nil)
			if got := v.ask(valid); !strings.HasPrefix(got, "ok ") {
				t.Errorf("a valid assertion, after that: %q", got)
			}
			// The forgery is as good as its list.
			f.answers(func(rw http.ResponseWriter, _ *http.Request) { write(rw, http.StatusOK) })
			v.age(61 * time.Second)
			if got := v.ask(forged); !strings.HasPrefix(got, "ok ") {
				t.Errorf("a key of the list: %q, want it accepted", got)
			}
		})
	}
}

// needs fails if a program is not there.
func needs(t *testing.T, file, packages string) {
	t.Helper()
	if err := installed(file, packages); err != nil {
		t.Fatal(err)
	}
}

// withCheck returns a folder with the documented code and the program that
// feeds it.
func withCheck(t *testing.T, site, file, check, as string) string {
	t.Helper()
	folder := t.TempDir()
	place(t, folder, file, documentedCode(t, file, site))
	program, err := os.ReadFile(filepath.Join("testdata/assertion", check))
	if err != nil {
		t.Fatal(err)
	}
	place(t, folder, as, string(program))
	return folder
}

func javaVerifier(t *testing.T, site string) *verifier {
	needs(t, "/usr/bin/javac", "default-jdk-headless")
	folder := withCheck(t, site, "WechatAssertion.java", "Check.java", "Check.java")
	run(t, folder, "javac", "-encoding", "UTF-8", "--release", "8", "-Xlint:-options", "WechatAssertion.java", "Check.java")
	return verifies(t, folder, "java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "Check")
}

func phpVerifier(t *testing.T, site string) *verifier {
	needs(t, "/usr/bin/php", "php-fpm")
	folder := withCheck(t, site, "wechat_assertion.php", "check.php", "check.php")
	place(t, folder, "wechat_assertion.php", keptIn(folder, documentedCode(t, "wechat_assertion.php", site)))
	return verifies(t, folder, "php", "-n", "-d", "display_errors=stderr", "check.php")
}

// keptIn has PHP keep its list of keys in a folder.
func keptIn(folder, code string) string {
	return strings.Replace(code, "/var/lib/shop/", folder+"/", 1)
}

func pythonVerifier(t *testing.T, site string) *verifier {
	for _, library := range []string{"jwt", "cryptography"} {
		needs(t, "/usr/lib/python3/dist-packages/"+library, "python3-jwt python3-cryptography")
	}
	return verifies(t, withCheck(t, site, "wechat_assertion.py", "check.py", "check.py"), "/usr/bin/python3", "-B", "check.py")
}

func nodeVerifier(t *testing.T, site string) *verifier {
	needs(t, "/usr/bin/node", "nodejs")
	return verifies(t, withCheck(t, site, "wechat-assertion.js", "check.js", "check.js"), "node", "check.js")
}

// goVerifier builds the code in a module of its own, with the versions of this
// one.
func goVerifier(t *testing.T, site string) *verifier {
	folder := withCheck(t, site, "wechatassertion.go", "check.go.txt", "check.go")
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		place(t, folder, name, string(content))
	}
	run(t, folder, "go", "build", "-o", "check", ".")
	return verifies(t, folder, filepath.Join(folder, "check"))
}
