package site

import (
	"net/http"
	"slices"
)

// corsMaxAge is how long a browser may remember the answer to a preflight, in
// seconds.
const corsMaxAge = "600"

// CORS lets the pages of the origins that the operator names use an endpoint, with
// tokens and without cookies: no answer allows credentials. Origins are compared
// exactly and never echoed unseen (attack: any site as the caller). It returns true
// when it has answered a preflight. Preflights of the app's own paths are the app's.
func (site *Site) CORS(w http.ResponseWriter, r *Request) (answered bool) {
	if len(site.Rules.CORSOrigins) == 0 {
		return false
	}
	if !site.AllowOrigin(w, r) || !isPreflight(r.Request) {
		return false
	}
	h := w.Header()
	h.Del("Access-Control-Expose-Headers")
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// AllowOrigin lets a page of one of these origins read an answer of ours; false if the
// request is of none.
func (site *Site) AllowOrigin(w http.ResponseWriter, r *Request) bool {
	if len(site.Rules.CORSOrigins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !site.ofCORSOrigin(r) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	return true
}

func (site *Site) ofCORSOrigin(r *Request) bool {
	origins := r.Header["Origin"]
	return len(origins) == 1 && slices.Contains(site.Rules.CORSOrigins, origins[0])
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// PassesPreflight reports whether a request is a preflight of such a page for a path
// of the app's: it never carries a token, and the app is to say what may be called.
func (site *Site) PassesPreflight(r *Request) bool {
	return isPreflight(r.Request) && site.ofCORSOrigin(r)
}
