package request

import "net/http"

// FromOrigin reports whether a page of this origin sent r: each Sec-Fetch-Site
// and each Origin that r has says so, and there is at least one (attack: a page
// of another site posts, and the gateway makes a request of this site out of
// it).
func FromOrigin(r *http.Request, origin string) bool {
	sites, origins := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	for _, from := range sites {
		if from != "same-origin" {
			return false
		}
	}
	for _, from := range origins {
		if canonical, ok := CanonicalOrigin(from); !ok || canonical != origin {
			return false
		}
	}
	return len(sites)+len(origins) > 0
}
