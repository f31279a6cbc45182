package caddymodule

import (
	"log/slog"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/request"
)

// hintOfAppAtCallback tells the operator that an app runs on the host of
// callback_origin. WeChat does not bind a code to the address that asked for
// it: a code that the app gives away signs its finder in on every site. The
// hint may miss an app, but never names a site without one. It is called when
// all sites are known.
func (a *App) hintOfAppAtCallback() {
	app, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return // no sites
	}
	web, ok := app.(*caddyhttp.App)
	if !ok {
		return
	}
	for _, server := range web.Servers {
		if a.appAtCallback(server.Routes) {
			a.logger.Info("an app runs on the host of callback_origin: if one of its pages gives its address away, another person can sign in with the code in it, on every site; a host without an app is safer",
				slog.String("callback_origin", a.callback.Origin))
			return
		}
	}
}

// appAtCallback reports whether routes contain the site of callback_origin, and
// an app in it.
func (a *App) appAtCallback(routes caddyhttp.RouteList) bool {
	for _, route := range routes {
		for i, handler := range route.Handlers {
			if nested, ok := handler.(*caddyhttp.Subroute); ok && a.appAtCallback(nested.Routes) {
				return true
			}
			h, ok := handler.(*Handler)
			if !ok || !h.servesCallback() {
				continue
			}
			if hasApp(route.Handlers[i:]) || slices.ContainsFunc(routes, besideHasApp) {
				return true
			}
		}
	}
	return false
}

// besideHasApp reports whether a route beside ours has an app. A route with a
// host of its own is another site.
func besideHasApp(route caddyhttp.Route) bool {
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			if module, ok := matcher.(caddy.Module); ok && module.CaddyModule().ID == "http.matchers.host" {
				return false
			}
		}
	}
	return hasApp(route.Handlers)
}

// hasApp reports whether some handler hands requests to an app. Their modules
// are known by name: php is FrankenPHP's, which this module does not import.
func hasApp(handlers []caddyhttp.MiddlewareHandler) bool {
	return slices.ContainsFunc(handlers, func(handler caddyhttp.MiddlewareHandler) bool {
		if nested, ok := handler.(*caddyhttp.Subroute); ok {
			return slices.ContainsFunc(nested.Routes, func(r caddyhttp.Route) bool { return hasApp(r.Handlers) })
		}
		module, ok := handler.(caddy.Module)
		return ok && slices.Contains([]caddy.ModuleID{"http.handlers.reverse_proxy", "http.handlers.php"}, module.CaddyModule().ID)
	})
}

// servesCallback reports whether WeChat sends visitors back to this site.
func (h *Handler) servesCallback() bool {
	shared := h.app.callback
	if h.site.origin != "" {
		return h.site.origin == shared.Origin
	}
	return slices.ContainsFunc(h.Origins, func(origin string) bool {
		canonical, ok := request.CanonicalOrigin(origin)
		return ok && canonical == shared.Origin
	})
}
