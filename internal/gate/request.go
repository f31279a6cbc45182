package gate

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddy-wechat/gateway/internal/request"
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
	site   site
	id     *Identity
	cookie string // the cookie value that id was read from, or its renewal

	// What our other cookies say. It is read at once: they are stripped before the
	// upstream may ask for more.
	secrets *[]browserSecret // nil for none
	landed  int8             // how often this browser came back in the last minute
	asked   int8             // how often the app had one who declined asked again
	foreign foreignCount

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
