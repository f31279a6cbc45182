package caddymodule_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An own page.html without the parts that pages need: the log has one WARN for
// each such site, which names the site, the pages and the parts. The site is
// loaded all the same.
func TestOwnPagesThatLackParts(t *testing.T) {
	folder := func(page string) string {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "page.html"), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	const short = `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<p>{{.T "lead"}}</p>{{.QR}}`
	lacking, other := folder(short), folder(short+`<p>{{.Number}}</p><a href="" target="_top">{{.Script}}</a>`)
	handler := func(pages, origin string) string {
		text, err := json.Marshal(map[string]string{"handler": "wechat_auth", "pages": pages, "origin": origin})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	log, err := loadLog(t, `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"`+goodSecret+`"}]`,
		`,"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"automatic_https":{"disable":true},"routes":[`+
			`{"match":[{"host":["a.example.com","b.example.com"]}],"handle":[{"handler":"subroute","routes":[{"handle":[`+handler(lacking, "")+`]}]}]},`+
			`{"match":[{"host":["c.example.com"]}],"handle":[`+handler("", "")+`]},`+
			`{"handle":[`+handler(other, "https://d.example.com")+`]}]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	sites := map[string]struct{ Level, Msg, Site, Pages string }{}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "page.html") {
			continue
		}
		var entry struct{ Level, Msg, Site, Pages string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if _, twice := sites[entry.Site]; twice || entry.Level != "warn" {
			t.Errorf("not one warning: %s", line)
		}
		sites[entry.Site] = entry
	}
	if len(sites) != 2 {
		t.Errorf("there are lines for %v", sites)
	}
	for site, want := range map[string]struct {
		folder       string
		says, silent []string
	}{
		"a.example.com, b.example.com": {lacking, []string{"framed (", "other_person (", "resend (", "scan ({{.Number}}, {{.Script}})", "scan_confirm (", "preserve_post keeps no form"}, []string{"consent", "denied"}},
		"https://d.example.com":        {other, []string{"other_person (", "resend (", "scan_confirm ("}, []string{"framed", "scan (", "preserve_post"}},
	} {
		got := sites[site]
		if got.Pages != want.folder {
			t.Errorf("%s: the folder is %q, want %q", site, got.Pages, want.folder)
		}
		for _, words := range want.says {
			if !strings.Contains(got.Msg, words) {
				t.Errorf("%s: no %q in %s", site, words, got.Msg)
			}
		}
		for _, words := range want.silent {
			if strings.Contains(got.Msg, words) {
				t.Errorf("%s: %q in %s", site, words, got.Msg)
			}
		}
	}
}
