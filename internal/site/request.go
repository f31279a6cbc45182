package site

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"

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
	// Need and Access are what the operator says about this path.
	Need   wechat.Scope
	Access Access
	// FromProxy says that the connection comes from another proxy of the operator's,
	// who may be told of a visitor what a page may not.
	FromProxy bool
	// Trusted says that the connection comes from one of the proxies whose headers
	// the operator believes.
	Trusted bool
	// ClientIP is the visitor's address, as far as the operator trusts who says it;
	// "" is the connection's. It is shown to the visitor, and grants nothing.
	ClientIP string

	Token        Bearer        // what came instead of a cookie
	Origin       string        // the site's, as this visitor sees it
	CookieScope  cookies.Scope // by which the site's cookies are named
	Identity     *Identity     // who the visitor is; nil for nobody
	SessionValue string        // the cookie value that Identity was read from, or its renewal

	// What our other cookies say. It is read at once: they are stripped before the
	// upstream may ask for more.
	secrets    *cookies.Secrets // nil for none
	Landed     int8             // how often this browser came back in the last minute
	AskedAgain int8             // how often the app had one who declined asked again
	Foreign    cookies.ForeignCount

	ForeignSession bool // there is a session's cookie, and no key here opens it
	foreignCounted bool
	formerly       bool // Identity was read from a cookie under the name without the port

	withdrawn uint64 // keys taken away before the request was read; see SameKeys

	HasSides  bool  // there may be cookies of ours beside the session's
	Unsettled error // why a logout of before is still not complete
	site      *Site // that lets it run, see Watch
	running   live.Running
}

// Prepare works out what the site needs to know of a request. It returns false where the
// Host of the request can be none.
func (site *Site) Prepare(r *Request) bool {
	r.Token, r.withdrawn = takeToken(r.Request), site.Hub.Keys.Withdrawn()
	origin, ok := request.Origin(site.Origin, r.Request)
	if !ok {
		return false
	}
	r.Origin, r.CookieScope = origin, cookies.ScopeOf(origin)
	site.warnOfScheme(r)
	if r.HasSides = cookies.Any(r.Request); r.HasSides {
		r.Landed = int8(site.Counter(r).Read(r.Request, cookies.Landed, ""))
		r.Foreign = cookies.ReadForeign(r.Request, r.CookieScope)
		if held := cookies.ReadSecrets(r.Request, r.CookieScope); held != nil {
			r.secrets = &held
		}
	}
	if r.Need == "" {
		r.Need = site.Rules.Scope
	}
	return true
}

// ClientAddr is the visitor's address, the zero one if it is not known.
func (r *Request) ClientAddr() netip.Addr { return request.ParseAddr(cmp.Or(r.ClientIP, r.RemoteAddr)) }

// Network is the network that the visitor comes from.
func (r *Request) Network() netip.Prefix { return request.NetworkOf(r.ClientAddr()) }

// HeldSecrets are those of the browser that were read, or one that was drawn since.
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

// browser names the browser for as long as one of its secrets lives, "" for one that
// has none. Sign-ins that run beside each other have the same name.
func (r *Request) browser() string {
	name := r.HeldSecrets().Name()
	if name == "" {
		return ""
	}
	return r.Origin + " " + name
}

// BoundBy reports whether a value is bound to the browser of the request, by its
// cookie of this use and one of its secrets.
func (r *Request) BoundBy(use cookies.Cookie, want []byte) bool {
	return r.HeldSecrets().Bound(r.Request, r.CookieScope, use, want)
}

// Hit is the request's hit at a door of [signin.Once].
func (r *Request) Hit(door, id, code string) signin.Hit {
	return signin.Hit{Queue: door, Network: r.Network(), ID: id, Code: code}
}

// VisitorOf is what must be known of a request after it is over.
func VisitorOf(r *Request) signin.Visitor {
	who := signin.Visitor{Client: audit.Client(r.UserAgent()), Browser: r.browser()}
	if r.Identity != nil {
		s := r.Identity.Session // a copy: the identity is shared
		who.Before = &s
	}
	return who
}

// IsRead reports whether a method changes nothing.
func IsRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
