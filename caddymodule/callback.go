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

var errUnknownSite = errors.New("callback_origin hands visitors on to known sites only, and this address does not say which one it is: write `origin https://…` into its wechat_auth block")

// provisionCallback reads the origin that all sites share.
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

// provisionCallback makes the site one that visitors are handed on to. Sites are
// provisioned one after the other, before the first request.
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

// warnOfSites says that no site asks visitors who they are. It is asked when all
// sites are known.
func (a *App) warnOfSites() {
	if len(a.admitted) == 0 {
		a.logger.Warn("no site has wechat_auth: nobody is signed in, and identity headers of visitors are not removed. Write wechat_auth into each site that WeChat is to guard")
	}
}

// warnOfCallback says what is odd about the sites that share a callback, once they
// are all known.
func (a *App) warnOfCallback() {
	shared := a.callback
	if shared == nil {
		return
	}
	if !shared.Sites[shared.Origin] {
		a.logger.Warn("callback_origin is no site of this configuration: another server must answer there, with the same sites and wechat_auth",
			slog.String("callback_origin", shared.Origin))
	}
	for origin := range shared.Sites {
		if strings.HasPrefix(shared.Origin, "https://") && strings.HasPrefix(origin, "http://") {
			a.logger.Warn("visitors come back by https and are handed on in the clear, where others can read WeChat's code: write https, or origin where TLS ends before Caddy",
				slog.String("site", origin))
		}
	}
}

// nameOrigins notes the origins of the site that the Caddyfile's addresses say,
// where visitors come back by way of another site.
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

// ports is what the global options say about where Caddy serves https.
type ports struct {
	http    string
	noHTTPS bool // none by itself
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

// originOfAddress is the origin of a site's address, false where it is not one
// alone: an address without a host, with a wildcard or placeholder, or where
// nothing says whether it is served as https.
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
