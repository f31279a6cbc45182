package caddymodule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-wechat/gateway/internal/gate"
)

var errUnknownSite = errors.New("callback_origin hands visitors on to known sites only, and this site's address does not say which one it is: write `origin https://…` into its wechat_auth block")

// provisionCallback reads the origin that all sites share.
func (a *App) provisionCallback() error {
	origin, err := expand("callback_origin", a.CallbackOrigin)
	if err != nil || origin == "" {
		return err
	}
	canonical, ok := gate.CanonicalOrigin(origin)
	if !ok {
		return fmt.Errorf("callback_origin: %q is not an origin like https://auth.example.com", withoutUser(a.CallbackOrigin))
	}
	a.callback = &gate.SharedCallback{Origin: canonical, Sites: map[string]bool{}}
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
		return errUnknownSite
	}
	for _, origin := range h.Origins {
		canonical, ok := gate.CanonicalOrigin(origin)
		if !ok {
			return fmt.Errorf("origins: %q is not an origin like https://shop.example.com", withoutUser(origin))
		}
		shared.Sites[canonical] = true
	}
	return nil
}

// nameOrigins notes the origins of the site that the Caddyfile's addresses say,
// where visitors come back by way of another site.
func (h *Handler) nameOrigins(helper httpcaddyfile.Helper) error {
	global, err := wechatBlock(helper)
	if err != nil || global.CallbackOrigin == "" || h.Origin != "" {
		return err
	}
	for _, address := range siteBlock(helper).addresses() {
		origin, ok := originOfAddress(address)
		if !ok {
			return errUnknownSite
		}
		h.Origins = append(h.Origins, origin)
	}
	return nil
}

// originOfAddress is the origin of a site's address, false where it is not one
// alone: an address without a host, or with a wildcard or placeholder. Caddy serves
// https but where the address says otherwise.
func originOfAddress(address string) (string, bool) {
	parsed, err := httpcaddyfile.ParseAddress(address)
	if err != nil || parsed.Host == "" || strings.ContainsAny(parsed.Host, "*{") || strings.Contains(parsed.Port, "{") {
		return "", false
	}
	origin := "https://" + parsed.Host
	if parsed.Scheme == "http" || parsed.Scheme == "" && parsed.Port == "80" {
		origin = "http://" + parsed.Host
	}
	if parsed.Port != "" {
		origin += ":" + parsed.Port
	}
	return gate.CanonicalOrigin(origin)
}
