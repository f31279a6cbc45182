package test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The operator's own files lie over the built-in ones: words, style and picture
// change, everything else stays; the policy allows the new style and nothing
// else.
func TestOwnPages(t *testing.T) {
	w := newWorld(t)
	folder := t.TempDir()
	for name, content := range map[string]string{
		"texts.json":          `{"open_in_wechat": {"title": {"zh-CN": "请用微信看病历", "en": "Records are read in WeChat"}}}`,
		"style.css":           "body { color: rebeccapurple }",
		"consent.svg":         `<svg id="ours" viewBox="0 0 1 1"></svg>`,
		".hidden":             "not ours",
		"sign_in_expired.svg": "<svg></svg>",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.load(w.caddyfile(options{auth: "pages " + folder}))
	desktop := w.visitor("ming")
	page := desktop.send(http.MethodGet, w.site+"/x", "", http.Header{
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36"},
		"Accept":     {"text/html"}, "Accept-Language": {"zh-CN"},
	})
	if page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, "请用微信看病历") || !strings.Contains(page.body, "rebeccapurple") ||
		!strings.Contains(page.body, "用手机微信") {
		t.Errorf("%s\n%.900s", page.Status, page.body)
	}
	own := w.visitor("ming").open(w.site + "/x")
	w.load(w.caddyfile(options{}))
	other := w.visitor("ming").open(w.site + "/x")
	if !strings.Contains(own.body, `id="ours"`) || strings.Contains(other.body, `id="ours"`) {
		t.Error("the picture is not on the consent page, or on everybody's")
	}
	hash := regexp.MustCompile(`style-src 'sha256-[^']+'`)
	if a, b := hash.FindString(own.Header.Get("Content-Security-Policy")), hash.FindString(other.Header.Get("Content-Security-Policy")); a == "" || a == b {
		t.Errorf("the policies are %q and %q", a, b)
	}
}
