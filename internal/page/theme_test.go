package page

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func folder(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return m
}

func TestTheme(t *testing.T) {
	t.Parallel()
	before := get(t, full(Consent), english).Body.String()
	theme, err := LoadTheme(folder(map[string]string{
		"style.css":   "body{background:#c33}",
		"texts.json":  `{"consent":{"title":{"zh-CN":"书店","en":"The <b> bookshop of {site}"},"lead":{"en":"Hello"}}}`,
		"consent.svg": `<svg id="logo"></svg>`,
		"..data":      "a Kubernetes volume has this",
		".gitignore":  "*",
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := full(Consent)
	p.Theme = theme
	w := get(t, p, english)
	checkHeader(t, w, english) // with the hash of the own stylesheet
	body := w.Body.String()
	builtIn := builtin().texts[Consent] // what the folder does not replace
	for _, want := range []string{
		"<style>body{background:#c33}</style>", "The &lt;b&gt; bookshop of shop.example.com", "Hello", `<svg id="logo"></svg>`, builtIn["continue"].English,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	zh := get(t, p, chinese).Body.String()
	if !strings.Contains(zh, "书店") || !strings.Contains(zh, builtIn["continue"].Chinese) {
		t.Error("the Chinese page lost its words")
	}
	p.Kind = Denied
	checkSafe(t, get(t, p, english))
	if get(t, full(Consent), english).Body.String() != before {
		t.Error("the built-in theme has changed")
	}
}

func TestThemeTemplate(t *testing.T) {
	t.Parallel()
	theme, err := LoadTheme(folder(map[string]string{
		"style.css": "h1{color:#c33}",
		"page.html": `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<h1>{{.Site}}</h1>{{.Picture}}{{.QR}}
			{{if .Has "continue"}}<a href="{{.ContinueURL}}">{{.T "continue"}}</a>{{end}}
			{{if eq .Reference "boom"}}{{.T "no such text"}}{{end}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := full(TryAgain)
	p.Theme = theme
	w := get(t, p, english)
	checkHeader(t, w, english)
	if body := w.Body.String(); !strings.Contains(body, "<h1>shop.example.com</h1>") || strings.Contains(body, "<main") {
		t.Errorf("not the own template:\n%s", body)
	}
	p.Reference = "boom" // fails on this page only, where no rehearsal could see it
	w = get(t, p, english)
	checkHeader(t, w, english)
	elements(t, w.Body.Bytes())
	if body := w.Body.String(); !strings.Contains(body, "<main") || !strings.Contains(body, "boom") || strings.Count(body, "<title>") != 1 {
		t.Errorf("not the built-in template:\n%s", body)
	}
}

func TestThemeMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"misspelled file":   {map[string]string{"styles.css": ""}, "styles.css: no such part"},
		"unknown picture":   {map[string]string{"logo.svg": ""}, "logo.svg: no such part"},
		"only an extension": {map[string]string{"consent.png": ""}, "consent.png: no such part"},
		"folder":            {map[string]string{"img/a.svg": ""}, "img: no such part"},
		"folder for a file": {map[string]string{"style.css/a": ""}, "style.css"},
		"template syntax":   {map[string]string{"page.html": "{{if}}"}, "page.html: "},
		"template field":    {map[string]string{"page.html": "{{.Nonsense}}"}, "page.html: "},
		"template text":     {map[string]string{"page.html": `{{.T "nonsense"}}`}, `no text "nonsense"`},
		"template context":  {map[string]string{"page.html": `<a href='{{if .Site}}'{{end}}>`}, "page.html: "},
		"one kind only":     {map[string]string{"page.html": `{{if eq .Kind "denied"}}{{.X}}{{end}}`}, "page.html: "},
		"style end":         {map[string]string{"style.css": "a{}</STYLE><script>"}, "style.css: "},
		"too large":         {map[string]string{"style.css": strings.Repeat(" ", maxThemeFile+1)}, "style.css: larger than 262144 bytes"},
		"texts syntax":      {map[string]string{"texts.json": "{"}, "texts.json: "},
		"texts twice":       {map[string]string{"texts.json": "{}{}"}, "texts.json: "},
		"texts kind":        {map[string]string{"texts.json": `{"consnet":{}}`}, `texts.json: no page is called "consnet"`},
		"texts key":         {map[string]string{"texts.json": `{"denied":{"continue":{"en":"x"}}}`}, `texts.json: page denied has no text "continue"`},
		"texts language":    {map[string]string{"texts.json": `{"denied":{"title":{"zh":"x"}}}`}, "texts.json: "},
	} {
		theme, err := LoadTheme(folder(c.files))
		if theme != nil || !errors.Is(err, errTheme) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	if _, err := LoadTheme(nowhere{}); !errors.Is(err, errTheme) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if got, want := get(t, Page{Theme: &Theme{}}, english), get(t, Page{}, english); got.Body.String() != want.Body.String() {
		t.Error("the zero theme is not the built-in one")
	}
	if _, err := LoadTheme(folder(nil)); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

type nowhere struct{}

func (nowhere) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
