package gate

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Request is one request as the gate sees it.
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

	token  bearer // what came instead of a cookie
	origin string
	site   cookies.Site
	id     *Identity
	cookie string // the cookie value that id was read from, or its renewal

	// What our other cookies say. It is read at once: they are stripped before the
	// upstream may ask for more.
	secrets *cookies.Secrets // nil for none
	landed  int8             // how often this browser came back in the last minute
	asked   int8             // how often the app had one who declined asked again
	foreign cookies.ForeignCount

	foreignSession bool // there is a session's cookie, and no key here opens it
	foreignCounted bool
	formerly       bool // id was read from a cookie under the name without the port

	withdrawn uint64 // keys taken away before the request was read; see sameKeys

	sides     bool  // there may be cookies of ours beside the session's
	unsettled error // why a logout of before is still not complete
	running   running
}

// clientAddr is the visitor's address, the zero one if it is not known.
func (r *Request) clientAddr() netip.Addr { return request.ParseAddr(cmp.Or(r.ClientIP, r.RemoteAddr)) }

// network is the network that the visitor comes from.
func (r *Request) network() netip.Prefix { return request.NetworkOf(r.clientAddr()) }

// heldSecrets are those of the browser that were read, or one that was drawn since.
func (r *Request) heldSecrets() cookies.Secrets {
	if r.secrets == nil {
		return nil
	}
	return *r.secrets
}

// browserSecret returns a secret of the browser, a new one if it has none.
func (r *Request) browserSecret(w http.ResponseWriter) string {
	if r.secrets == nil {
		drawn := cookies.DrawSecret()
		r.secrets = &drawn
	}
	return r.secrets.Use(w, r.site)
}

// browser names the browser for as long as one of its secrets lives, "" for one that
// has none. Sign-ins that run beside each other have the same name.
func (r *Request) browser() string {
	name := r.heldSecrets().Name()
	if name == "" {
		return ""
	}
	return r.origin + " " + name
}

// boundBy reports whether a value is bound to the browser of the request, by its
// cookie of this use and one of its secrets.
func (r *Request) boundBy(use cookies.Cookie, want []byte) bool {
	return r.heldSecrets().Bound(r.Request, r.site, use, want)
}

// hit is a request's hit at a door.
func (r *Request) hit(door, id, code string) signin.Hit {
	return signin.Hit{Door: door, Network: r.network(), ID: id, Code: code}
}

func visitorOf(r *Request) signin.Visitor {
	who := signin.Visitor{Client: audit.Client(r.UserAgent()), Browser: r.browser()}
	if r.id != nil {
		s := r.id.session // a copy: the identity is shared
		who.Before = &s
	}
	return who
}
