package site

import (
	"net/http"
	"slices"
)

// corsMaxAge is how long, in seconds, a browser may cache the answer to a
// preflight.
const corsMaxAge = "600"

// CORS lets pages of the configured origins use an endpoint with tokens, not
// with cookies: no answer allows credentials. Origins are compared exactly and
// never echoed unchecked (attack: any site as the caller). CORS returns true if
// it has answered a preflight. The app answers preflights of its own paths.
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

// AllowOrigin lets a page of a configured origin read an answer of the gateway.
// It returns false if the request has no such origin.
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

// PassesPreflight reports whether a request is a preflight of such a page for a
// path of the app. A preflight never carries a token, and the app decides what
// may be called.
func (site *Site) PassesPreflight(r *Request) bool {
	return isPreflight(r.Request) && site.ofCORSOrigin(r)
}
