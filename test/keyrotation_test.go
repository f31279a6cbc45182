package test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	oldKey = "an old key of more than thirty-two characters"
	newKey = "a new key of more than thirty-two characters"
)

// documentedKeys are the `key` lines of docs/operators.md, with their files in
// a folder of the test: the new one and the old one.
func documentedKeys(t *testing.T, folder string) (newLine, oldLine string) {
	t.Helper()
	document, err := os.ReadFile("../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\t+key \{file\.(/\S+)\}$`).FindAllStringSubmatch(string(document), -1)
	if len(found) != 2 {
		t.Fatalf("docs/operators.md shows %d keys in files, want 2", len(found))
	}
	var lines []string
	for i, secret := range []string{newKey, oldKey} {
		file := filepath.Join(folder, filepath.Base(found[i][1]))
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Replace(strings.TrimSpace(found[i][0]), found[i][1], file, 1))
	}
	return lines[0], lines[1]
}

// keyed is a silent site with these session keys, the first of them sealing.
func keyed(keys ...string) options {
	return options{auth: "scope snsapi_base", global: "session {\n\t\t\t" + strings.Join(keys, "\n\t\t\t") + "\n\t\t}"}
}

// signedInAs signs in and returns who the app was told it is.
func (w *world) signedInAs(v *visitor) string {
	w.t.Helper()
	w.app.take()
	v.client.CloseIdleConnections() // a server of before may still answer there
	if a := v.signIn(w.site + "/"); a.StatusCode != http.StatusOK {
		w.t.Fatalf("signing in: %s", a.Status)
	}
	all := w.app.take()
	return all[len(all)-1].header.Get("X-Wechat-Openid")
}

// stays checks that the visitor is signed in as before, without asking WeChat.
func (w *world) stays(v *visitor, openID, when string) {
	w.t.Helper()
	w.app.take()
	v.client.CloseIdleConnections()
	if a := v.send(http.MethodGet, w.site+"/", "", nil); a.StatusCode != http.StatusOK {
		w.t.Errorf("%s: %s: the visitor is signed out", when, a.Status)
		return
	}
	if all := w.app.take(); all[len(all)-1].header.Get("X-Wechat-Openid") != openID {
		w.t.Errorf("%s: the visitor is somebody else", when)
	}
}

// Keys in files rotate by reloads, as docs/operators.md shows: sessions of
// before stay signed in as long as their key is there, and those of afterwards
// are sealed with the new one.
func TestKeyRotationByReload(t *testing.T) {
	w := newWorld(t)
	added, first := documentedKeys(t, w.folder)
	before, after := w.visitor("ming"), w.visitor("hong")

	w.load(w.caddyfile(keyed(first)))
	ming := w.signedInAs(before)
	w.load(w.caddyfile(keyed(added, first)))
	w.stays(before, ming, "after the new key came")
	hong := w.signedInAs(after)
	if ming == "" || hong == "" || ming == hong {
		t.Fatalf("signed in as %q and %q", ming, hong)
	}
	w.load(w.caddyfile(keyed(added)))
	w.stays(after, hong, "after the old key went")
	before.client.CloseIdleConnections()
	if a := before.send(http.MethodGet, w.site+"/", "", nil); a.StatusCode != http.StatusFound {
		t.Errorf("after its key went, a session of before got %s", a.Status)
	}
	if log := w.log(); strings.Contains(log, oldKey) || strings.Contains(log, newKey) {
		t.Error("the log holds a key")
	}
}

// A reload that cannot read a key changes nothing: the gateway runs on as it
// was, and says what to do. A variable is one: a running process has no new
// ones.
func TestKeyRotationThatCannotWork(t *testing.T) {
	w := newWorld(t)
	_, first := documentedKeys(t, w.folder)
	v := w.visitor("ming")
	w.load(w.caddyfile(keyed(first)))
	ming := w.signedInAs(v)
	empty, short := filepath.Join(w.folder, "empty"), filepath.Join(w.folder, "short")
	for file, content := range map[string]string{empty: "\n", short: "short-one\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ key, want, never string }{
		"a new variable": {"{env.WECHAT_SESSION_KEY_NEW}", "a reload brings no new variable into a running server: restart it, or use {file.…}", newKey},
		"no file":        {"{file." + w.folder + "/none}", "session: key: ", "variable into"},
		"an empty file":  {"{file." + empty + "}", "session: key: ", "variable into"},
		"a short key":    {"{file." + short + "}", "session: key: ", "short-one"},
	} {
		t.Run(name, func(t *testing.T) {
			err := w.tryLoad(w.caddyfile(keyed("key "+c.key, first)))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.never) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			w.stays(v, ming, name)
		})
	}
}

// Keys in variables rotate by a restart.
func TestKeyRotationByRestart(t *testing.T) {
	w := newWorld(t)
	t.Setenv("WECHAT_SESSION_KEY", oldKey)
	before, after := w.visitor("ming"), w.visitor("hong")
	w.load(w.caddyfile(keyed("key {env.WECHAT_SESSION_KEY}")))
	ming := w.signedInAs(before)

	w.stop()
	t.Setenv("WECHAT_SESSION_KEY", newKey)
	t.Setenv("WECHAT_SESSION_KEY_OLD", oldKey)
	w.load(w.caddyfile(keyed("key {env.WECHAT_SESSION_KEY}", "key {env.WECHAT_SESSION_KEY_OLD}")))
	w.stays(before, ming, "after the restart")
	hong := w.signedInAs(after)

	w.stop()
	w.load(w.caddyfile(keyed("key {env.WECHAT_SESSION_KEY}")))
	w.stays(after, hong, "after the old key went")
}
