package gate

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// checkQuery is what another proxy wants to know with a check, and of which request.
type checkQuery struct {
	scope       wechat.Scope // what the visitor must have given; "" is the site's
	forVisitor  bool         // what is not 200 goes to the visitor as it is
	credentials bool         // the 200 holds the Cookie and the Authorization that the app may see
	target      string       // the address that the visitor asked for, "" when unknown
	write       bool         // the visitor may want to change something
	redirects   bool         // the visitor's method is one that a redirect keeps
}

// readAsked reads a check. What it says of the visitor's request decides where a
// sign-in comes back to and what a guest may do, and nothing else.
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

// Where proxies put what was asked for. Each proxy sets one header of a pair, and may
// pass on the visitor's own other one.
var (
	forwardedURIs    = []string{"X-Forwarded-Uri", "X-Original-Uri"}
	forwardedMethods = []string{"X-Forwarded-Method", "X-Original-Method"}
)

// askedTarget is the address that the visitor asked for. Headers that do not agree
// are not believed: one of them is the visitor's own.
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

// asksToWrite reports whether any of the headers says that the visitor does more than
// read (attack: a snapshot guest sends X-Forwarded-Method: GET along with a POST).
func asksToWrite(r *http.Request) bool {
	// A socket can carry anything. Proxies drop Upgrade, which is for one hop; a
	// handshake has the key, too.
	return asksOtherThan(r, site.IsRead) || r.Header.Get("Upgrade") != "" || r.Header.Get("Sec-Websocket-Key") != ""
}

// asksOtherThan reports whether any of the headers names a method that does not fit.
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

// keptByRedirects reports whether a browser that is redirected asks with the same
// method again. A preflight (OPTIONS) fails when it is redirected.
func keptByRedirects(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}
