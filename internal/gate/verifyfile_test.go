package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// WeChat asks for the file by which it checks a domain, and its console says
// only that it was not found. One line a minute has the line to write.
func TestVerifyFileThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path   string
		access site.Access
		want   string // the line to write; "": there is no warning
	}{
		"an official account's":  {"/MP_verify_AbCd1234EfGh5678.txt", site.Protected, "verify_file MP_verify_AbCd1234EfGh5678.txt AbCd1234EfGh5678"},
		"the app may have it":    {"/MP_verify_AbCd1234EfGh5678.txt", site.Public, ""},
		"elsewhere":              {"/a/MP_verify_AbCd1234.txt", site.Protected, ""},
		"another file":           {"/verify.txt", site.Protected, ""},
		"words for the log":      {"/MP_verify_a`%20MP_verify_b.txt", site.Protected, ""},
		"a line end for the log": {"/MP_verify_a%0AMP_verify_b.txt", site.Protected, ""},
		"a long name":            {"/MP_verify_" + strings.Repeat("a", 65) + ".txt", site.Protected, ""},
		"without a content":      {"/MP_verify_.txt", site.Protected, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, func(w *town) {
				w.access["/MP_verify_AbCd1234EfGh5678.txt"] = c.access
			})
			for range 3 {
				w.browser("alice").send(http.MethodGet, c.path, "")
			}
			lines := w.log.lines(`"level":"WARN"`)
			if c.want == "" {
				if len(lines) != 0 {
					t.Errorf("the log warns: %s", lines)
				}
				return
			}
			if len(lines) != 1 || !strings.Contains(lines[0], "`"+c.want+"`") || !strings.Contains(lines[0], `"site":"`+shop+`"`) {
				t.Errorf("%d warnings, want one with %s: %s", len(lines), c.want, lines)
			}
		})
	}
}
