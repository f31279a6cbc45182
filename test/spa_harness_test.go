package test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The single page app of the browser tests: the pages of docs/spa.md, built as
// their readers build them, and an API that shows an order.

// spaFolder holds the page around the scripts, and the tools that build them.
const spaFolder = "testdata/spa"

// spaPolicy is what the strictest pages have: no script but files of the site.
const spaPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"

// spaScripts returns the scripts of docs/spa.md by name: plain, vue and react.
func spaScripts(t *testing.T) map[string][]byte {
	t.Helper()
	if err := installed("/usr/bin/node", "nodejs npm"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(spaFolder, "node_modules/esbuild")); err != nil {
		t.Fatalf("the npm packages are not there; run ./test/all.sh, or: (cd test/%s && npm ci --ignore-scripts)", spaFolder)
	}
	folder := t.TempDir()
	for name, language := range map[string]string{"app.js": "js", "App.vue": "vue", "App.jsx": "jsx"} {
		block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(spaFile(t, "../docs/spa.md"))
		if block == nil {
			t.Fatalf("docs/spa.md has no block of %s", language)
		}
		if lines := strings.Count(string(block[1]), "\n"); lines > 15 {
			t.Errorf("docs/spa.md: %d lines of %s, want 15 at most", lines, language)
		}
		if err := os.WriteFile(filepath.Join(folder, name), block[1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "client.js"), spaFile(t, "../internal/gate/client.js"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/usr/bin/node", filepath.Join(spaFolder, "build.mjs"), folder).CombinedOutput(); err != nil {
		t.Fatalf("building the scripts of docs/spa.md: %v\n%s", err, out)
	}
	scripts := map[string][]byte{}
	for _, name := range []string{"plain", "vue", "react"} {
		scripts[name] = spaFile(t, filepath.Join(folder, name+".js"))
	}
	return scripts
}

func spaFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// ordersApp serves /<name>/ with each of the scripts, and the API. Orders of
// the path /api/refused are always answered 401, as the gateway would; those of
// /api/foreign lead to another site, and those of /api/own are the app's own
// 401.
func ordersApp(t *testing.T, scripts map[string][]byte, site *string) http.HandlerFunc {
	t.Helper()
	index := spaFile(t, filepath.Join(spaFolder, "index.html"))
	return func(rw http.ResponseWriter, r *http.Request) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		unauthorized := map[string]string{
			"refused": `{"code":401,"redirect_url":"` + *site + `/_wechat/login?return_to=%2Felsewhere"}`,
			"foreign": `{"code":401,"redirect_url":"https://evil.example/_wechat/login"}`,
			"twisted": `{"code":401,"redirect_url":"` + *site + `.evil.example/_wechat/login"}`,
			"own":     `{"error":"password"}`, "null": `null`, "text": "no",
		}[rest]
		switch {
		case scripts[name] != nil && rest == "":
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			rw.Header().Set("Content-Security-Policy", spaPolicy)
			_, _ = rw.Write(index)
		case scripts[name] != nil && rest == "main.js":
			rw.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = rw.Write(scripts[name])
		case name == "api" && unauthorized != "":
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = rw.Write([]byte(unauthorized))
		case name == "api":
			rw.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(rw).Encode(map[string]string{"title": "order " + r.URL.RequestURI(), "openid": r.Header.Get("X-Wechat-Openid")})
		default:
			http.NotFound(rw, r)
		}
	}
}
