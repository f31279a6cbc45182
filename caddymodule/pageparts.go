package caddymodule

import (
	"cmp"
	"log/slog"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// warnOfPages warns about each site whose own page.html lacks necessary parts:
// its visitors see the built-in layout. It is called when all sites are known.
func (a *App) warnOfPages() {
	app, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return // no sites
	}
	web, ok := app.(*caddyhttp.App)
	if !ok {
		return
	}
	for _, server := range web.Servers {
		a.warnOfPagesIn(server.Routes, "")
	}
}

// warnOfPagesIn does so for the sites in routes that are for some hosts.
func (a *App) warnOfPagesIn(routes caddyhttp.RouteList, hosts string) {
	for _, route := range routes {
		site := hosts
		if of := hostsOfRoute(route); of != "" {
			site = of
		}
		for _, handler := range route.Handlers {
			switch handler := handler.(type) {
			case *caddyhttp.Subroute:
				a.warnOfPagesIn(handler.Routes, site)
			case *Handler:
				if missing := handler.site.rules.Theme.Missing(); missing != "" {
					a.logger.Warn("pages: "+missing, slog.String("site", cmp.Or(site, handler.site.origin)), slog.String("pages", handler.Pages))
				}
			}
		}
	}
}

// hostsOfRoute returns the hosts that a route is for, "" if it names none.
func hostsOfRoute(route caddyhttp.Route) string {
	var hosts []string
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			switch matcher := matcher.(type) {
			case caddyhttp.MatchHost:
				hosts = append(hosts, matcher...)
			case *caddyhttp.MatchHost:
				hosts = append(hosts, *matcher...)
			}
		}
	}
	return strings.Join(hosts, ", ")
}
