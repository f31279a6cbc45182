package caddymodule

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/site"
)

// ServeHTTP scrubs, then decides, then forwards.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	// Remove identity headers first, on every path and method (attack:
	// GHSA-7r4p-vjf4-gxv4, deletion must be unconditional).
	h.site.scrub.Request(r)
	h.app.inFlight.Add(1)
	defer h.app.inFlight.Add(-1)
	h.app.seen.noticeProxy(r, h.site.origin)
	original := originalURL(r)
	if h.serveHealth(w, r, original.Path) {
		return nil
	}
	if content, ok := h.app.verifyFile(original.Path); ok {
		counts.sites.Decide(site.DecidedEndpoint)
		return serveVerifyFile(w, r, content)
	}
	endpoint := gate.IsEndpoint(original)
	if endpoint {
		counts.sites.Decide(site.DecidedEndpoint)
	}
	if strings.HasPrefix(original.Path, pushPrefix) {
		return h.app.servePush(w, r, original.Path)
	}
	if endpoint && r.TLS != nil && !r.TLS.HandshakeComplete {
		// Attack: 0-RTT data can be replayed; a code must not be.
		stripCredentials(r)
		return caddyhttp.Error(http.StatusTooEarly, errors.New("sign-in waits for the end of the TLS handshake"))
	}
	g, err := h.gated()
	if err != nil {
		if !endpoint {
			counts.sites.Decide(site.DecidedNotReady)
		}
		h.app.outageLog(h.logger).Failed(notReady, outage.Failure{Level: slog.LevelError, Effect: "gateway is not ready", Err: err})
		w.Header().Set("Retry-After", "5")
		stripCredentials(r) // an error route may lead to an upstream
		return caddyhttp.Error(http.StatusServiceUnavailable, errNotReady)
	}
	if h.app.outages.Open() {
		h.app.outageLog(h.logger).Worked(notReady)
	}
	request := &site.Request{Request: r, Original: original, Access: h.site.access(r, original), Need: h.site.need(r, original), ClientIP: clientIP(r), FromProxy: fromProxy(r), Trusted: trusted(r)}
	if endpoint {
		g.ServeEndpoint(w, request)
		return nil
	}
	id, pass := g.Serve(w, request)
	if !pass {
		return nil // answered: nothing may follow (attack: GHSA-59jp-rwph-878r)
	}
	if id != nil {
		h.app.seen.noticeVisitor(r)
		request.ApplyIdentity(r.Header)
		setPlaceholders(r, id)
	}
	g.StripCookies(request)
	forwarded := g.Watch(w, request)
	defer request.Done()
	return next.ServeHTTP(newReply(forwarded.Context(), w, g, request), forwarded)
}

// stripCredentials removes the gateway's cookies and token from a request.
func stripCredentials(r *http.Request) {
	cookies.Strip(r)
	site.StripToken(r)
}
