package console

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// enterPath is the path of one-time addresses.
const enterPath = "/enter"

// ServeHTTP answers a request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	if refused := c.refused(r); refused != nil {
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, refused.text, refused.status)
		return
	}
	switch {
	case serveAsset(w, r):
	case r.URL.Path == enterPath:
		c.enter(w, r)
	case !strings.HasPrefix(r.URL.Path, c.base+"/"):
		c.showEntrance(w, r, entranceClosed)
	default:
		c.inside(w, r)
	}
}

// inside answers a request below the console's path.
func (c *Console) inside(w http.ResponseWriter, r *http.Request) {
	s := c.sessions.of(r)
	switch {
	case foreign(r):
		// The one-time address was opened from another page: then browsers send
		// the new cookie only after one more click.
		c.showEntrance(w, r, entranceForeign)
		return
	case s == nil:
		c.showEntrance(w, r, entranceClosed)
		return
	}
	v := &visit{console: c, w: w, r: r, session: s, language: c.languageOf(r)}
	if r.Method == http.MethodPost {
		if refused := v.readForm(); refused != nil {
			http.Error(w, refused.text, refused.status)
			return
		}
	}
	if _, pattern := c.routes.Handler(r); pattern == "" {
		v.show(problem{status: http.StatusNotFound, text: "no_page"}.page())
		return
	}
	c.routes.ServeHTTP(w, r.WithContext(withVisit(r.Context(), v)))
}

// readForm reads the form, and checks that a page of this session has sent it.
func (v *visit) readForm() *refusal {
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxBody))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return &refusal{http.StatusRequestEntityTooLarge, "This form is too large."}
		}
		return &refusal{http.StatusBadRequest, "This form did not arrive."}
	}
	if v.form, err = url.ParseQuery(string(body)); err != nil || len(v.form["csrf"]) != 1 || !v.session.sent(v.form.Get("csrf")) {
		// Attack: another site, or a page of an earlier session, sends a form
		// with the operator's cookie.
		return &refusal{http.StatusForbidden, "This page is too old. Go back, reload it, and try again."}
	}
	return nil
}
