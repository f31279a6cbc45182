package wechattest

import (
	"io"
	"mime"
	"net/http"
	"net/url"
)

// carryOut checks the method of a call and calls its endpoint.
func (s *Server) carryOut(r *http.Request, e endpoint) answer {
	switch {
	case e.post && r.Method != http.MethodPost:
		return failed("", 43002)
	case !e.post && r.Method != http.MethodGet && !(e.form && r.Method == http.MethodPost):
		return failed("", 43001)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		// Not an error: ParseQuery has returned the valid part.
		s.logf("%s has a query that is not well-formed", e.path)
	}
	if e.form {
		addForm(query, r)
	}
	return e.answer(s, r, query)
}

// addForm adds the parameters of a form posted to /sns, as the OAuth clients of
// python-social-auth and django-allauth send it. Parameters of the address come
// first. A body that is not a form is ignored: with all parameters in JSON,
// appid is missing (issue easywechat#2906).
func addForm(query url.Values, r *http.Request) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || media != "application/x-www-form-urlencoded" {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON+1))
	if err != nil || len(body) > maxJSON {
		return
	}
	form, _ := url.ParseQuery(string(body)) // as with the query
	for name, values := range form {
		query[name] = append(query[name], values...)
	}
}
