package console

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed pages
var files embed.FS

// pageSet are the pages in one language.
type pageSet map[string]*template.Template

// execute writes a page.
func (s pageSet) execute(b *bytes.Buffer, name string, data shown) error {
	t := s[name]
	if t == nil {
		return fmt.Errorf("there is no template %q", name)
	}
	return t.ExecuteTemplate(b, "layout.html", data)
}

// loadPages reads the templates, once for each language: a sentence is then
// looked up by its name alone.
func loadPages() (map[language]pageSet, error) {
	sentences, err := texts()
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	all := make(map[language]pageSet)
	for _, l := range []language{chinese, english} {
		common, err := template.New("layout.html").Funcs(funcs(sentences, l)).ParseFS(files, "pages/layout.html", "pages/parts.html")
		if err != nil {
			return nil, err
		}
		set := make(pageSet)
		for _, name := range names {
			base := strings.TrimSuffix(path.Base(name), ".html")
			if base == "layout" || base == "parts" {
				continue
			}
			t, err := template.Must(common.Clone()).ParseFS(files, name)
			if err != nil {
				return nil, err
			}
			set[base] = t
		}
		all[l] = set
	}
	return all, nil
}

// funcs are what the templates may call.
func funcs(sentences map[string]text, l language) template.FuncMap {
	say := func(name string, values ...any) (string, error) {
		sentence, ok := sentences[name]
		if !ok {
			return "", fmt.Errorf("there is no text %q", name)
		}
		return sentence.in(l, values...), nil
	}
	return template.FuncMap{
		"t":     say,
		"told":  func(n *notice) (string, error) { return say(n.text, n.values...) },
		"when":  moment,
		"short": shortMoment,
		"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		// word explains a word of the gateway. One that is not known is shown as
		// it is, or as another text says.
		"word": func(prefix, name string, otherwise ...string) string {
			if sentence, err := say(prefix + name); err == nil {
				return sentence
			}
			return cmp.Or(append(otherwise, name)...)
		},
	}
}

// moment formats a time in the time zone of this machine.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// shortMoment is moment without what is clear.
func shortMoment(t time.Time) string {
	if t.Local().Year() == time.Now().Year() {
		return t.Local().Format("01-02 15:04")
	}
	return t.Local().Format("2006-01-02")
}

// assets are what the pages include.
var assets = map[string]string{
	"/style.css": "text/css; charset=utf-8",
	"/icon.svg":  "image/svg+xml",
}

// serveAsset answers a request for an asset. It contains nothing about the
// gateway: those who are not signed in see the entrance page with it.
func serveAsset(w http.ResponseWriter, r *http.Request) bool {
	kind, ok := assets[r.URL.Path]
	if !ok || r.Method == http.MethodPost {
		return false
	}
	content, err := files.ReadFile("pages" + r.URL.Path)
	if err != nil {
		return false
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(content) // the browser is gone: the error cannot be reported
	return true
}
