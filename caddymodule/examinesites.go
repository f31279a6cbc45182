package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/doctor"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// httpServer is the part of a server's configuration that says who asks it.
type httpServer struct {
	Listen         []string        `json:"listen"`
	Routes         []any           `json:"routes"`
	TrustedProxies json.RawMessage `json:"trusted_proxies"`
	AutoHTTPS      struct {
		Disable bool     `json:"disable"`
		Skip    []string `json:"skip"`
	} `json:"automatic_https"`
	TLS []any `json:"tls_connection_policies"`
}

// sites reads the sites of a configuration's http app.
func (e *examination) sites(raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var web struct {
		HTTPPort int                   `json:"http_port"`
		Servers  map[string]httpServer `json:"servers"`
	}
	if err := json.Unmarshal(raw, &web); err != nil {
		return fmt.Errorf("reading the http app: %w", err)
	}
	if web.HTTPPort == 0 {
		web.HTTPPort = 80
	}
	for _, name := range slices.Sorted(maps.Keys(web.Servers)) {
		server := web.Servers[name]
		for _, route := range server.Routes {
			part, ok := route.(map[string]any)
			if !ok {
				continue
			}
			if err := e.site(server, part, web.HTTPPort); err != nil {
				return err
			}
		}
	}
	return nil
}

// site reads one route of a server: a site, if it is guarded or has an app.
func (e *examination) site(server httpServer, route map[string]any, httpPort int) error {
	handlers := handlersIn(route, nil)
	guard, err := e.guard(handlers)
	if err != nil {
		return err
	}
	proxies := slices.ContainsFunc(handlers, func(h map[string]any) bool { return h["handler"] == "reverse_proxy" || h["handler"] == "php" })
	if guard == nil && !proxies {
		return nil
	}
	hosts := strings.FieldsFunc(hostsOf(route), func(r rune) bool { return r == ',' || r == ' ' })
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, host := range hosts {
		origin, plain := server.origin(host, httpPort)
		s := doctor.Site{Origin: origin, Name: origin, Guarded: guard != nil, Proxies: proxies, Trusts: server.TrustedProxies != nil}
		if s.Name == "" {
			s.Name = host + strings.Join(server.Listen, " ")
		}
		if guard != nil {
			if guard.site.origin != "" {
				s.Origin, s.Name = guard.site.origin, guard.site.origin
				s.Behind = plain && strings.HasPrefix(s.Origin, "https://")
			}
			s.Profile, s.Websites = guard.asksForProfile(), guard.websites()
		}
		e.Sites = append(e.Sites, s)
	}
	return nil
}

// guard provisions the wechat_auth of a site, nil if it has none.
func (e *examination) guard(handlers []map[string]any) (*Handler, error) {
	for _, h := range handlers {
		if h["handler"] != directive {
			continue
		}
		raw, err := json.Marshal(h)
		if err != nil {
			return nil, err
		}
		fields := make(map[string]json.RawMessage)
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, err
		}
		delete(fields, "handler")
		if raw, err = json.Marshal(fields); err != nil {
			return nil, err
		}
		module, err := e.ctx.LoadModuleByID("http.handlers.wechat_auth", raw)
		if err != nil {
			return nil, err
		}
		return module.(*Handler), nil //nolint:forcetypeassert // our own module
	}
	return nil, nil //nolint:nilnil // no guard is no error
}

// handlersIn lists the handlers of a route and of the routes in it.
func handlersIn(part any, found []map[string]any) []map[string]any {
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			found = handlersIn(element, found)
		}
	case map[string]any:
		if _, ok := part["handler"].(string); ok {
			found = append(found, part)
		}
		for _, key := range []string{"handle", "routes"} {
			found = handlersIn(part[key], found)
		}
	}
	return found
}

// origin returns the origin of a host of this server, "" if it is not one host,
// and whether the server speaks plain http there.
func (s httpServer) origin(host string, httpPort int) (origin string, plain bool) {
	if len(s.Listen) == 0 {
		return "", false
	}
	address, err := caddy.ParseNetworkAddress(s.Listen[0])
	if err != nil || address.IsUnixNetwork() || address.PortRangeSize() != 1 {
		return "", true // a proxy on this machine asks it
	}
	port := int(address.StartPort)
	plain = port == httpPort || len(s.TLS) == 0 && (s.AutoHTTPS.Disable || host == "" || slices.Contains(s.AutoHTTPS.Skip, host))
	if host == "" || strings.ContainsAny(host, "*{") {
		return "", plain
	}
	scheme := "https://"
	if plain {
		scheme = "http://"
	}
	origin, ok := request.CanonicalOrigin(scheme + net.JoinHostPort(strings.Trim(host, "[]"), fmt.Sprint(port)))
	if !ok {
		return "", plain
	}
	return origin, plain
}

// asksForProfile reports whether some page of the site needs
// wechat.ScopeUserInfo.
func (h *Handler) asksForProfile() bool {
	return h.site.rules.Scope == wechat.ScopeUserInfo ||
		slices.ContainsFunc(h.site.scopes, func(r ScopeRule) bool { return wechat.Scope(r.Scope) == wechat.ScopeUserInfo })
}

// websites returns the website accounts that sign visitors in at this site.
func (h *Handler) websites() (names []string) {
	if h.site.rules.OutsideWeChat != site.OutsideLogin {
		return nil
	}
	for _, a := range h.site.others {
		if a.Kind == wechat.Website {
			names = append(names, a.Name)
		}
	}
	return names
}
