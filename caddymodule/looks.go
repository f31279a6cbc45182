package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/page"
)

// Looks returns how the pages of each site of a configuration look, in JSON as
// Caddy loads it. It needs no secret, and opens nothing but the files of the
// pages. A look that cannot be loaded has the error.
func Looks(config []byte) ([]page.Look, error) {
	var parts struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(config, &parts); err != nil {
		return nil, err
	}
	var app struct {
		Brand *Brand `json:"brand"`
	}
	if raw := parts.Apps["wechat"]; raw != nil {
		if err := json.Unmarshal(raw, &app); err != nil {
			return nil, fmt.Errorf("reading the wechat app: %w", err)
		}
	}
	var http any
	if raw := parts.Apps["http"]; raw != nil {
		if err := json.Unmarshal(raw, &http); err != nil {
			return nil, fmt.Errorf("reading the http app: %w", err)
		}
	}
	f := finder{ofAll: app.Brand}
	f.find(http, "")
	return f.looks, nil
}

// finder collects the looks of all handlers in a configuration.
type finder struct {
	ofAll *Brand
	looks []page.Look
}

// find walks through a part of the configuration that is for some hosts.
func (f *finder) find(part any, hosts string) {
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			f.find(element, hosts)
		}
	case map[string]any:
		if of := hostsOf(part); of != "" {
			hosts = of
		}
		if part["handler"] == directive {
			f.looks = append(f.looks, f.look(part, hosts))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(part)) {
			f.find(part[key], hosts)
		}
	}
}

func (f *finder) look(handler map[string]any, hosts string) page.Look {
	if hosts == "" {
		hosts = fmt.Sprintf("site %d", len(f.looks)+1)
	}
	var h Handler
	look := page.Look{Name: hosts}
	parts, err := json.Marshal(map[string]any{"pages": handler["pages"], "brand": handler["brand"]})
	if err == nil {
		err = json.Unmarshal(parts, &h)
	}
	if err != nil {
		look.Err = err
		return look
	}
	look.Theme, look.Err = h.theme(f.ofAll)
	return look
}

// hostsOf returns the hosts that a route is for, "" if it names none.
func hostsOf(route map[string]any) string {
	sets, _ := route["match"].([]any)
	var hosts []string
	for _, set := range sets {
		matchers, _ := set.(map[string]any)
		list, _ := matchers["host"].([]any)
		for _, host := range list {
			if text, ok := host.(string); ok {
				hosts = append(hosts, text)
			}
		}
	}
	return strings.Join(hosts, ", ")
}
