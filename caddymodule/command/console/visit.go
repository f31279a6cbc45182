package console

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
)

// visit is one request of a signed-in browser, and its answer.
type visit struct {
	console  *Console
	w        http.ResponseWriter
	r        *http.Request
	session  *session // nil on the entrance page
	language language
	form     url.Values // of a POST
}

// visitKey is the context key of a visit.
type visitKey struct{}

func withVisit(ctx context.Context, v *visit) context.Context {
	return context.WithValue(ctx, visitKey{}, v)
}

// handler answers a visit. Its error is a problem, which is shown as a page.
type handler func(*visit) error

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	v := r.Context().Value(visitKey{}).(*visit)
	v.r = r
	if err := h(v); err != nil {
		v.show(problemOf(err).page())
	}
}

// page is what a handler shows.
type page struct {
	name   string // of the template, and of its title
	title  string // text of the title; "" for "title_" and the name
	status int    // 0 for 200
	data   any
}

// shown is what the templates get.
type shown struct {
	Lang    language
	Base    string
	CSRF    string
	Page    string
	Title   string
	Section string
	Gateway string
	Notice  *notice
	Here    string // the address of this page, for the switch of the language
	Data    any
}

// show writes a page. It is written as a whole: a page that breaks off could
// show a button without what it is about.
func (v *visit) show(p page) {
	s := shown{Lang: v.language, Page: p.name, Section: sectionOf(p.name), Title: p.title, Gateway: v.console.config.Gateway, Data: p.data}
	if s.Title == "" {
		s.Title = "title_" + p.name
	}
	if v.session != nil {
		s.Base, s.CSRF, s.Notice = v.console.base, v.session.csrf, v.session.told()
		if v.r.Method == http.MethodGet {
			s.Here = v.r.URL.Path
		}
	} else if why, _ := p.data.(string); why == entranceForeign {
		s.Base = v.console.base
	}
	var b bytes.Buffer
	if err := v.console.pages[v.language].execute(&b, p.name, s); err != nil {
		http.Error(v.w, "This page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.language))
	if p.status != 0 {
		v.w.WriteHeader(p.status)
	}
	_, _ = v.w.Write(b.Bytes()) // the browser is gone: the error cannot be reported
}

// goTo leads the browser to another page of the console, after a POST. parts
// are segments of a path.
func (v *visit) goTo(parts ...string) error {
	address := v.console.base
	for _, part := range parts {
		address += "/" + url.PathEscape(part)
	}
	if len(parts) == 0 {
		address += "/"
	}
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}
