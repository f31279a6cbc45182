package site

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

// A browser that gets a session after WeChat's redirect but does not keep its
// cookie would be redirected for ever. A second, tiny cookie counts such
// landings: it lives a minute and holds no identity. In a browser that keeps
// the session the count never exceeds one or two.
const (
	MaxLandings = 3
	ExcusedMark = 9 // not a count: this browser just passed an optional path without an identity
)

// CountLanding counts one more landing.
func (site *Site) CountLanding(w http.ResponseWriter, r *Request) {
	site.Counter(r).Set(w, cookies.Landings, "", nextLanding(int(r.Landings)), cookies.LandingLife)
}

// nextLanding returns the count after one more landing.
func nextLanding(n int) int {
	if n == ExcusedMark {
		n = 0
	}
	return min(n+1, MaxLandings)
}

// Counter returns the counter that counts in cookies of the request's site.
func (site *Site) Counter(r *Request) cookies.Counter {
	return cookies.Counter{Keys: site.Hub.Keys, Origin: r.Origin, Scope: r.CookieScope}
}
