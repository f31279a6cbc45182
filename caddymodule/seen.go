package caddymodule

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/doctor"
	"github.com/caddy-wechat/gateway/internal/request"
)

// seen is what the app has noticed about its requests since it was loaded, for
// `wechat doctor`. It keeps nothing about a visitor, and its size is fixed.
type seen struct {
	proxy   atomic.Pointer[string]
	scheme  atomic.Pointer[schemeSeen]
	cookies atomic.Int64
}

// schemeSeen is a site, and the scheme that visitors use there.
type schemeSeen struct{ site, scheme string }

// noticeVisitor looks at a request of a signed-in visitor, before the gateway's
// cookies are removed.
func (s *seen) noticeVisitor(r *http.Request) {
	var size int64
	for _, value := range r.Header["Cookie"] {
		size += int64(len(value))
	}
	if size > s.cookies.Load() {
		s.cookies.Store(size) // two at once may store the smaller one: the next larger one corrects it
	}
}

// noticeProxy remembers the first proxy in front that is not trusted, and the
// first site whose origin has another scheme than visitors use. Any client can
// send the headers, so only a trusted peer, or one in a private network,
// counts (attack: a visitor from the internet makes the doctor name an address
// of its choice). origin is the site's, "" for that of the request.
func (s *seen) noticeProxy(r *http.Request, origin string) {
	if r.Header["X-Forwarded-For"] == nil && r.Header["X-Forwarded-Proto"] == nil {
		return
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	address, isTrusted := peer.Addr().Unmap(), trusted(r)
	if private := err == nil && (address.IsPrivate() || address.IsLoopback()); !private && !isTrusted {
		return
	}
	if !isTrusted && r.Header["X-Forwarded-For"] != nil && s.proxy.Load() == nil {
		text := address.String()
		s.proxy.Store(&text)
	}
	said := strings.ToLower(r.Header.Get("X-Forwarded-Proto"))
	if said != "http" && said != "https" || s.scheme.Load() != nil {
		return
	}
	origin, ok := request.Origin(origin, r)
	if !ok {
		return
	}
	if scheme, _, _ := strings.Cut(origin, "://"); scheme != said {
		s.scheme.Store(&schemeSeen{origin, said})
	}
}

// report returns what was noticed.
func (s *seen) report() doctor.Seen {
	all := doctor.Seen{Cookies: s.cookies.Load()}
	if proxy := s.proxy.Load(); proxy != nil {
		all.Proxy = *proxy
	}
	if scheme := s.scheme.Load(); scheme != nil {
		all.Site, all.Scheme = scheme.site, scheme.scheme
	}
	return all
}
