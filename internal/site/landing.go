package site

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

// A browser that comes back from WeChat, is given a session and arrives without
// it would be sent round for ever. A second, tiny cookie counts such landings:
// it lives a minute, holds no identity, and a browser that keeps the session
// never shows more than one or two.
const (
	MaxLandings = 3
	Excused     = 9 // not a count: this browser just passed an optional path without an identity
)

// Land counts one more landing.
func (site *Site) Land(w http.ResponseWriter, r *Request) {
	site.Counter(r).Set(w, cookies.Landed, "", nextLanding(int(r.Landed)), cookies.LandingLife)
}

// nextLanding is the count after one more landing.
func nextLanding(n int) int {
	if n == Excused {
		n = 0
	}
	return min(n+1, MaxLandings)
}
