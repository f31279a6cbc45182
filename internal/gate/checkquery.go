package gate

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// checkQuery is the question of another proxy, and what it says about the
// visitor's request.
type checkQuery struct {
	scope       wechat.Scope // the scope that the session must have; "" is the site's
	forVisitor  bool         // the proxy passes every answer but 200 on to the visitor
	credentials bool         // the 200 contains the Cookie and the Authorization that the app may see
	target      string       // the address that the visitor asked for, "" when unknown
	write       bool         // the visitor's request may change something
	redirects   bool         // a redirect keeps the visitor's method
}

// readAsked reads a check. Its claims about the visitor's request decide only
// where a sign-in comes back to and what a guest may do.
func (g *Gate) readAsked(r *site.Request) checkQuery {
	q := r.Original.Query()
	a := checkQuery{
		forVisitor:  q.Get("answer") == "visitor",
		credentials: q.Get("credentials") == "on",
		target:      askedTarget(r.Request, r.Origin),
		write:       asksToWrite(r.Request),
		redirects:   !asksOtherThan(r.Request, keptByRedirects),
	}
	switch scope := wechat.Scope(q.Get("scope")); scope {
	case wechat.ScopeBase, wechat.ScopeUserInfo:
		a.scope = scope
	}
	return a
}

// The headers that carry the address and the method of the visitor's request.
// Each proxy sets one header of a pair, and may pass on the other one from the
// visitor.
var (
	forwardedURIs    = []string{"X-Forwarded-Uri", "X-Original-Uri"}
	forwardedMethods = []string{"X-Forwarded-Method", "X-Original-Method"}
)

// askedTarget returns the address that the visitor asked for. Headers that
// disagree are ignored: one of them comes from the visitor.
func askedTarget(r *http.Request, origin string) string {
	found := ""
	for _, name := range forwardedURIs {
		for _, value := range r.Header[name] {
			if value == "" {
				continue
			}
			if found != "" && value != found {
				return ""
			}
			found = value
		}
	}
	if found == "" {
		return ""
	}
	return request.ReturnTarget(found, origin)
}

// asksToWrite reports whether any header says that the visitor does more than
// read (attack: a snapshot guest sends X-Forwarded-Method: GET along with a
// POST).
func asksToWrite(r *http.Request) bool {
	// A socket can carry writes. Proxies drop Upgrade, a hop-by-hop header, but
	// a WebSocket handshake also has the key.
	return asksOtherThan(r, site.IsRead) || r.Header.Get("Upgrade") != "" || r.Header.Get("Sec-Websocket-Key") != ""
}

// asksOtherThan reports whether any header names a method that fits rejects.
func asksOtherThan(r *http.Request, fits func(method string) bool) bool {
	for _, name := range forwardedMethods {
		for _, value := range r.Header[name] {
			for method := range strings.SplitSeq(value, ",") {
				if method = strings.TrimSpace(method); method != "" && !fits(method) {
					return true
				}
			}
		}
	}
	return false
}

// keptByRedirects reports whether a browser keeps the method when it follows a
// redirect. A redirected preflight (OPTIONS) fails.
func keptByRedirects(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}
