package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The code of docs/assertion.md accepts what a real gateway sends, and refuses
// everything else. It fetches the list of keys for a key id that it does not
// know, at most once a minute, and trusts no key that has left the list.
func TestAttackForgedAssertions(t *testing.T) {
	for name, starts := range map[string]func(t *testing.T, site string) *verifier{
		"Java": javaVerifier, "PHP": phpVerifier, "Python": pythonVerifier, "Node": nodeVerifier, "Go": goVerifier,
	} {
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
	f.down.Store(true)
	v.age(11 * time.Minute)
	if got := v.ask(next); got != want {
		v.t.Errorf("while the list cannot be fetched: %q, want %q", got, want)
	}
	v.age(time.Hour)
	if got := v.ask(next); got != "refused" {
		v.t.Errorf("an hour after the list could be fetched: %q, want it refused", got)
	}
	f.down.Store(false)
	v.age(61 * time.Second)
	if got := v.ask(next); got != want {
		v.t.Errorf("when the list can be fetched again: %q, want %q", got, want)
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
