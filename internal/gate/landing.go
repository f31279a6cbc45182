package gate

import (
	"net/http"
	"strconv"
	"time"
)

// A browser that comes back from WeChat, is given a session and arrives without
// it would be sent round for ever. A second, tiny cookie counts such landings:
// it lives a minute, holds no identity, and a browser that keeps the session
// never shows more than one or two.
const (
	maxLandings  = 3
	excused      = 9 // not a count: this browser just passed an optional path without an identity
	landingTTL   = time.Minute
	landingPath  = "/"
	landingPlain = "wechat-landed"
)

func landingName(secure bool) string {
	if secure {
		return "__Host-" + landingPlain // a sibling host cannot plant it
	}
	return landingPlain
}

// landings is how often this browser has landed in the last minute. What it
// says is not trusted for more than choosing a page over a redirect.
func landings(r *http.Request, secure bool) int {
	cookie, err := r.Cookie(landingName(secure))
	if err != nil || len(cookie.Value) != 1 {
		return 0
	}
	n, err := strconv.Atoi(cookie.Value)
	if err != nil {
		return 0
	}
	return n
}

// nextLanding is the count after one more landing.
func nextLanding(r *http.Request, secure bool) int {
	n := landings(r, secure)
	if n == excused {
		n = 0
	}
	return min(n+1, maxLandings)
}

// setLandings writes the count; zero removes the cookie.
func setLandings(w http.ResponseWriter, n int, secure bool) {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever the site is https
		Name:     landingName(secure),
		Value:    strconv.Itoa(n),
		Path:     landingPath,
		MaxAge:   int(landingTTL.Seconds()),
		Secure:   secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	if n == 0 {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}
