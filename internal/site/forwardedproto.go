package site

import (
	"log/slog"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
)

// MistakeRate limits log lines about a mistake in the configuration, such as a
// missing option. Every visitor meets the same one, and any client can imitate
// it (attack: a flooded log).
var MistakeRate = limit.Rate{Burst: 1, Every: time.Minute}

// warnOfScheme logs what to configure if visitors use another scheme at the
// proxy in front than the site's origin has: they are redirected to addresses
// that do not work, and lose their cookies. X-Forwarded-Proto itself has no
// effect, because any client can send it.
func (site *Site) warnOfScheme(r *Request) {
	said := forwardedScheme(r)
	scheme, host, _ := strings.Cut(r.Origin, "://")
	if said == "" || said == scheme {
		return
	}
	fix := "have the proxy redirect http to https, or set the header right"
	if said == "https" {
		fix = "write `origin https://" + host + "`, or what visitors have in the address bar, into its wechat_auth block"
	}
	if !r.Trusted {
		fix += "; and add the proxy to trusted_proxies, since now all visitors have its address (if no proxy of yours sends the header, a visitor did: ignore this)"
	}
	site.schemes.Warn(site.Logger, MistakeRate, "X-Forwarded-Proto says "+said+", but the origin of the site is "+scheme+": "+fix,
		slog.String("site", r.Origin), slog.Bool("trusted_proxy", r.Trusted))
}

// HasHiddenTLS reports whether visitors use https at the proxy in front, but
// the site's origin is http. Then the origin does not tell pages of the site
// from those that anyone in the network can answer for it on http. Any client
// can say so; it only refuses itself something.
func (r *Request) HasHiddenTLS() bool {
	return strings.HasPrefix(r.Origin, "http://") && forwardedScheme(r) == "https"
}

// forwardedScheme returns the scheme that visitors use according to the proxy
// in front, "" if it is neither http nor https. Of several proxies the first
// one counts. Some send the scheme of a WebSocket.
func forwardedScheme(r *Request) string {
	said := r.Header.Get("X-Forwarded-Proto")
	if said == "" {
		return ""
	}
	first, _, _ := strings.Cut(said, ",")
	switch strings.ToLower(strings.TrimSpace(first)) {
	case "https", "wss":
		return "https"
	case "http", "ws":
		return "http"
	default:
		return ""
	}
}
