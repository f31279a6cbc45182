package page

import (
	"io/fs"
	"strings"
	"testing"
)

// An own layout that leaves out what a page needs is named when it is loaded,
// with the pages and the parts: visitors see the built-in layout instead.
func TestMissingParts(t *testing.T) {
	t.Parallel()
	builtinPage, err := fs.ReadFile(Files(), templateFile)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(builtinPage)
	without := func(parts ...string) string {
		page := whole
		for _, part := range parts {
			if !strings.Contains(page, part) {
				t.Fatalf("the built-in layout has no %s", part)
			}
			page = strings.ReplaceAll(page, part, "")
		}
		return page
	}
	const builtinLayout = "page.html: these pages lack necessary parts, so visitors see their built-in layout: "
	for name, c := range map[string]struct {
		page, want string
		brand      bool
	}{
		"all parts":           {whole, "", true},
		"no script":           {without("{{.Script}}"), builtinLayout + "resend ({{.Script}}); scan ({{.Script}}); and sign_in_expired lacks {{.Script}}, so preserve_post keeps no form", false},
		"no script there":     {strings.Replace(whole, "{{.Script}}", `{{if ne .Kind "sign_in_expired"}}{{.Script}}{{end}}`, 1), "page.html: sign_in_expired lacks {{.Script}}, so preserve_post keeps no form", false},
		"no ids":              {without(` id="kept-drop"`, ` id="kept-list"`), builtinLayout + `resend (id="kept-list", id="kept-drop")`, false},
		"another charset":     {without(` accept-charset="windows-1252"`), builtinLayout + `resend (accept-charset="windows-1252")`, false},
		"no way out":          {without(`target="_top"`), builtinLayout + `framed (a link with target="_top")`, false},
		"no numbers":          {without(`name="number"`, `name="deny"`), builtinLayout + `scan_confirm (name="number", name="deny")`, false},
		"no code":             {without("{{.QR}}"), builtinLayout + "scan ({{.QR}})", false},
		"no policy, no brand": {without(`<a href="{{.}}">{{$.T "privacy"}}</a>`), "", false},
		"no policy":           {without(`<a href="{{.}}">{{$.T "privacy"}}</a>`), builtinLayout + "consent (a link to {{.Privacy}})", true},
		"fails with a brand":  {`{{if .Name}}{{.T "nonsense"}}{{end}}` + whole, `no text "nonsense"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theme, err := LoadTheme(folder(map[string]string{templateFile: c.page}))
			if err == nil && c.brand {
				theme, err = theme.WithBrand(Brand{Name: "Shop", Privacy: "https://shop.example.com/privacy?a=1&b=2"})
			}
			if err != nil {
				t.Fatal(err)
			}
			got := theme.Missing()
			if name == "fails with a brand" {
				if !strings.HasPrefix(got, builtinLayout) || !strings.Contains(got, c.want) {
					t.Errorf("%s", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("it says\n%s, want\n%s", got, c.want)
			}
		})
	}
	for name, theme := range map[string]*Theme{"none": nil, "zero": {}, "built-in": builtin()} {
		if got := theme.Missing(); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
