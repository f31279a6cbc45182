package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
)

var errUnknownSite = errors.New("callback_origin sends visitors on to known sites only, and this address does not name one origin: add `origin https://…` to its wechat_auth block")

// provisionCallback reads the callback origin that all sites share.
func (a *App) provisionCallback() error {
	origin, err := expand("callback_origin", a.CallbackOrigin)
	if err != nil || origin == "" {
		return err
	}
	canonical, ok := request.CanonicalOrigin(origin)
	if !ok {
		return fmt.Errorf("callback_origin: %q is not an origin like https://auth.example.com", withoutUser(a.CallbackOrigin))
	}
	a.callback = &site.SharedCallback{Origin: canonical, Sites: map[string]bool{}}
	return nil
}

// provisionCallback adds the site to those that the shared callback may send
// visitors on to. Caddy provisions sites one after the other, before the first
// request.
func (h *Handler) provisionCallback() error {
	shared := h.app.callback
	if shared == nil {
		return nil
	}
	if h.site.origin != "" {
		shared.Sites[h.site.origin] = true
		return nil
	}
	if len(h.Origins) == 0 {
		return fmt.Errorf("a site: %w", errUnknownSite)
	}
	for _, origin := range h.Origins {
		canonical, ok := request.CanonicalOrigin(origin)
		if !ok {
			return fmt.Errorf("origins: %q is not an origin like https://shop.example.com", withoutUser(origin))
		}
		shared.Sites[canonical] = true
	}
	return nil
}

// warnOfSites warns if no site has wechat_auth. It is called when all sites are
// known.
func (a *App) warnOfSites() {
	if len(a.admitted) == 0 {
		a.logger.Warn("no site has wechat_auth: no visitor is signed in, and identity headers sent by visitors are not removed. Add wechat_auth to each site to protect")
	}
}

// warnOfCallback warns about sites that share a callback and may not work or
// not be safe. It is called when all sites are known.
func (a *App) warnOfCallback() {
	shared := a.callback
	if shared == nil {
		return
	}
	if !shared.Sites[shared.Origin] {
		a.logger.Warn("callback_origin is not a site of this configuration: another server must serve it, with the same sites and wechat_auth",
			slog.String("callback_origin", shared.Origin))
	}
	for origin := range shared.Sites {
		if strings.HasPrefix(shared.Origin, "https://") && strings.HasPrefix(origin, "http://") {
			a.logger.Warn("sign-in returns over https and continues over plain http, where others can read WeChat's code: use https, or set origin if TLS ends in front of Caddy",
				slog.String("site", origin))
		}
	}
	a.hintOfAppAtCallback()
}

// nameOrigins derives the site's origins from its addresses in the Caddyfile,
// where visitors come back through a shared callback.
func (h *Handler) nameOrigins(helper httpcaddyfile.Helper) error {
	global, err := wechatBlock(helper)
	if err != nil || global.CallbackOrigin == "" || h.Origin != "" {
		return err
	}
	for _, address := range siteBlock(helper).addresses() {
		origin, ok := originOfAddress(address, portsOf(helper))
		if !ok {
			return fmt.Errorf("%s: %w", address, errUnknownSite)
		}
		h.Origins = append(h.Origins, origin)
	}
	return nil
}

// ports is what the global options say about ports and https.
type ports struct {
	http    string
	noHTTPS bool // auto_https is off
}

func portsOf(h httpcaddyfile.Helper) ports {
	p := ports{http: "80"}
	if port, ok := h.Option("http_port").(int); ok && port != 0 {
		p.http = strconv.Itoa(port)
	}
	auto, _ := h.Option("auto_https").([]string)
	p.noHTTPS = slices.Contains(auto, "off")
	return p
}

// originOfAddress returns the origin of a site's address. It returns false if
// the address does not stand for exactly one origin: it has no host, a wildcard
// or a placeholder, or does not say whether it is served over https.
func originOfAddress(address string, p ports) (string, bool) {
	parsed, err := httpcaddyfile.ParseAddress(address)
	if err != nil {
		return "", false
	}
	parsed = parsed.Normalize()
	if parsed.Scheme == "" && p.noHTTPS || parsed.Host == "" || strings.ContainsAny(parsed.Host+parsed.Port, "*{") {
		return "", false
	}
	origin := "https://"
	if parsed.Scheme == "http" || parsed.Scheme == "" && parsed.Port == p.http {
		origin = "http://"
	}
	if strings.Contains(parsed.Host, ":") {
		origin += "[" + parsed.Host + "]"
	} else {
		origin += parsed.Host
	}
	if parsed.Port != "" {
		origin += ":" + parsed.Port
	}
	return request.CanonicalOrigin(origin)
}
