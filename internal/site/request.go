package site

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Request is one request as a site sees it.
type Request struct {
	*http.Request
	// Original is the address as the visitor sent it, before any rewrite.
	Original *url.URL
	// Need and Access are the operator's rules for this path.
	Need   wechat.Scope
	Access Access
	// FromProxy says that the connection comes from another proxy of the
	// operator, which may learn more about a visitor than a page may.
	FromProxy bool
	// Trusted says that the connection comes from a proxy whose headers the
	// operator trusts.
	Trusted bool
	// ClientIP is the visitor's address according to trusted proxies; "" means
	// the connection's address. It is shown to the visitor, and grants nothing.
	ClientIP string

	Token Bearer // the token sent instead of a cookie
	// Flow is the name of the sign-in that the request is a step of, for the
	// log: 8 characters that open nothing. "" if it is none.
	Flow         string
	Origin       string        // the site's origin, as this visitor sees it
	CookieScope  cookies.Scope // the scope in the names of the site's cookies
	Identity     *Identity     // the visitor; nil without a session, and for one who may not enter
	Refused      *Identity     // the visitor of a session who may not enter; nil otherwise
	Refusal      Refusal       // why
	HasFollowed  bool          // the visitor claims to follow the site's account since the last answer
	SessionValue string        // the cookie value that Identity was read from, or its renewal

	// The content of our other cookies. It is read early, because the cookies
	// are stripped before the upstream answers.
	secrets    *cookies.Secrets // nil for none
	Landings   int8             // how often this browser came back in the last minute
	Prompts    int8             // how often the app had a visitor asked again after a decline
	Unreadable cookies.UnreadableCount

	UnreadableSession bool // no key here opens the session cookie
	EndedSession      bool // a session cookie was sent, of a session that is over
	unreadableCounted bool
	fromFormerCookie  bool // Identity was read from a cookie whose name has no port
	HasOtherCookies   bool // the request may have other cookies of ours than the session's

	assertion  *assertion.Token // signed by Assert; nil for none
	identified int64            // when the session was looked up, in ns since 1970

	keyWithdrawals uint64 // count of withdrawn keys before the request was read; see CheckKeysUnchanged

	LogoutError error // why an earlier logout is still not complete
	site        *Site // the site that forwarded the request, see Watch
	running     live.Running
}

// Prepare fills in what the site needs to know of a request. It returns false
// if the Host of the request is not a valid host.
func (site *Site) Prepare(r *Request) bool {
	r.Token, r.keyWithdrawals = takeToken(r.Request), site.Hub.Keys.Withdrawn()
	origin, ok := request.Origin(site.Origin, r.Request)
	if !ok {
		return false
	}
	r.Origin, r.CookieScope = origin, cookies.ScopeOf(origin)
	site.warnOfScheme(r)
	if r.HasOtherCookies = cookies.Any(r.Request); r.HasOtherCookies {
		r.Landings = int8(site.Counter(r).Read(r.Request, cookies.Landings, ""))
		r.Unreadable = cookies.ReadUnreadable(r.Request, r.CookieScope)
		if held := cookies.ReadSecrets(r.Request, r.CookieScope); held != nil {
			r.secrets = &held
		}
	}
	if r.Need == "" {
		r.Need = site.Rules.Scope
	}
	return true
}

// ClientAddr returns the visitor's address, the zero Addr if it is unknown.
func (r *Request) ClientAddr() netip.Addr { return request.ParseAddr(cmp.Or(r.ClientIP, r.RemoteAddr)) }

// Network returns the network that the visitor comes from.
func (r *Request) Network() netip.Prefix { return request.NetworkOf(r.ClientAddr()) }

// HeldSecrets returns the browser's secrets: those read from its cookies, or a
// new one if BrowserSecret has drawn it.
func (r *Request) HeldSecrets() cookies.Secrets {
	if r.secrets == nil {
		return nil
	}
	return *r.secrets
}

// BrowserSecret returns a secret of the browser, a new one if it has none.
func (r *Request) BrowserSecret(w http.ResponseWriter) string {
	if r.secrets == nil {
		drawn := cookies.DrawSecret()
		r.secrets = &drawn
	}
	return r.secrets.Use(w, r.CookieScope)
}

// browser returns a name of the browser that is stable as long as one of its
// secrets lives, "" if it has none. Parallel sign-ins have the same name.
func (r *Request) browser() string {
	name := r.HeldSecrets().Name()
	if name == "" {
		return ""
	}
	return r.Origin + " " + name
}

// BoundBy reports whether a value is bound to the browser of the request by the
// cookie of this use and one of the browser's secrets.
func (r *Request) BoundBy(use cookies.Cookie, want []byte) bool {
	return r.HeldSecrets().Bound(r.Request, r.CookieScope, use, want)
}

// Hit returns the request's hit at a queue of [signin.Once].
func (r *Request) Hit(queue, id, code string) signin.Hit {
	return signin.Hit{Queue: queue, Network: r.Network(), ID: id, Code: code}
}

// VisitorOf returns what a sign-in needs of a request, also after the request
// has ended.
func VisitorOf(r *Request) signin.Visitor {
	who := signin.Visitor{Client: audit.Client(r.UserAgent()), Browser: r.browser(), Flow: r.Flow}
	if id := cmp.Or(r.Identity, r.Refused); id != nil {
		s := id.Session // a copy: the identity is shared
		who.Previous = &s
	}
	return who
}

// IsRead reports whether a method changes nothing.
func IsRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
