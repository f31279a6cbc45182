package site

import (
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
)

// CrossSiteSocket reports whether a page of an origin that is neither the
// site's nor one of Rules.CORSOrigins opens a WebSocket with the visitor's
// cookie (attack: cross-site WebSocket hijacking). Browsers let any page open
// one and read what it brings. SameSite stops neither pages of sibling hosts
// nor old browsers.
//
// A handshake with a token is not concerned: a browser cannot send one.
func (site *Site) CrossSiteSocket(r *Request) bool {
	return r.Identity != nil && !r.Token.Sent && request.IsWebSocket(r.Request) && !site.trustsOrigin(r)
}

// trustsOrigin reports whether no page of another site can have sent r. All
// browsers name the Origin of a WebSocket, so a handshake without one comes
// from another program, which holds the cookie itself. If a proxy in front
// removes Origin, newer browsers still say whether the page is of another site.
func (site *Site) trustsOrigin(r *Request) bool {
	origins := r.Header["Origin"]
	switch len(origins) {
	case 0:
		from := r.Header.Get("Sec-Fetch-Site")
		return from == "" || from == "same-origin" || from == "none"
	case 1:
		origin, ok := request.CanonicalOrigin(origins[0])
		return ok && (site.isOwnOrigin(r, origin) || slices.Contains(site.Rules.CORSOrigins, origin))
	default:
		return false // another server in the chain may have read any of them
	}
}

// isOwnOrigin reports whether a canonical origin is the site's. Without the
// option origin, a proxy in front may end TLS: a page of the same host on https
// is the site's, too.
func (site *Site) isOwnOrigin(r *Request, origin string) bool {
	if origin == r.Origin {
		return true
	}
	own, plain := strings.CutPrefix(r.Origin, "http://")
	return plain && site.Origin == "" && origin == "https://"+own
}
