package wechattest

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// render writes a page. There is no script in any of them, and the policy
// forbids it: names and nicknames come from outside (stored XSS). form-action
// is not restricted, because browsers apply it to the redirects after a form,
// too, and those lead to the callback.
func (s *Server) render(w http.ResponseWriter, name string, data map[string]any) {
	nonce := rand.Text()
	data["Nonce"] = nonce
	if data["Title"] == nil {
		data["Title"] = "微信"
	}
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "page "+name+" cannot be shown", http.StatusInternalServerError)
		s.logf("page %s: %s", name, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; img-src 'self' https:; "+
		"frame-src http: https:; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // the address of a page holds state
	_, _ = page.WriteTo(w)                  // a client that has left is no matter
}

// errorPage writes WeChat's page for what is wrong: 200, the code visible, and
// never a redirect. Code 0 is a page without one.
func (s *Server) errorPage(w http.ResponseWriter, code int, detail words) {
	if detail == (words{}) {
		detail = words{"未知错误", "Unknown error"}
	}
	data := map[string]any{"Title": "无法打开页面", "English": "This page cannot be opened", "Detail": detail}
	if code != 0 {
		data["Code"] = strconv.Itoa(code)
	}
	s.logf("a page shows error %d %s", code, detail.Chinese)
	s.render(w, "notice.html", data)
}

// doublePage loads one callback in a frame and goes to the other a moment
// later.
func (s *Server) doublePage(w http.ResponseWriter, first, second string) {
	// callbackURL has escaped what could end the header.
	w.Header().Set("Refresh", "1; url="+first)
	s.render(w, "double.html", map[string]any{"First": first, "Second": second})
}
