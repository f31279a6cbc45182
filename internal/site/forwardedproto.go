package site

import (
	"log/slog"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
)

// MistakeRate is for lines about a mistake of the operator's, such as an option that
// is missing. Each visitor meets the same one, and anybody can send what looks like it
// (attack: a flooded log).
var MistakeRate = limit.Rate{Burst: 1, Every: time.Minute}

// warnOfScheme says what to write where the proxy in front has visitors use another
// scheme than the site's origin has. They are sent to addresses that do not work, and
// lose their cookies. X-Forwarded-Proto still decides nothing: anybody can send it.
func (site *Site) warnOfScheme(r *Request) {
	said := forwardedScheme(r)
	scheme, host, _ := strings.Cut(r.Origin, "://")
	if said == "" || said == scheme || !site.schemes.Take(MistakeRate) {
		return
	}
	fix := "have the proxy redirect http to https, or set the header right"
	if said == "https" {
		fix = "write `origin https://" + host + "`, or what visitors have in the address bar, into its wechat_auth block"
	}
	if !r.Trusted {
		fix += "; and add the proxy to trusted_proxies, since now all visitors have its address (if no proxy of yours sends the header, a visitor did: ignore this)"
	}
	site.Logger.Warn("X-Forwarded-Proto says "+said+", but the origin of the site is "+scheme+": "+fix,
		slog.String("site", r.Origin), slog.Bool("trusted_proxy", r.Trusted))
}

// forwardedScheme is the scheme that visitors use, as the proxy in front says; "" if
// it says neither of the two. Of several proxies the first one counts. Some say the
// scheme of a socket.
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
