package gate

import (
	"net/http"
	"slices"
)

// corsMaxAge is how long a browser may remember the answer to a preflight, in
// seconds.
const corsMaxAge = "600"

// cors lets the pages of the origins that the operator names use an endpoint, with
// tokens and without cookies: no answer allows credentials. Origins are compared
// exactly and never echoed unseen (attack: any site as the caller). It returns true
// when it has answered a preflight. Preflights of the app's own paths are the app's.
func (g *Gate) cors(w http.ResponseWriter, r *Request) (answered bool) {
	if len(g.Rules.CORSOrigins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origins := r.Header["Origin"]
	if len(origins) != 1 || !slices.Contains(g.Rules.CORSOrigins, origins[0]) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origins[0])
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", "Retry-After")
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}
