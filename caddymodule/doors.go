package caddymodule

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// doors returns the accounts, besides the official one, whose visitors a site
// admits: those that are named, or all of the other kinds where none is.
func (a *App) doors(names []string) ([]wechat.Account, error) {
	var doors []wechat.Account
	for _, account := range a.accounts {
		if account.Kind == wechat.OfficialAccount || len(names) > 0 && !slices.Contains(names, account.Name) {
			continue
		}
		doors = append(doors, account.Account)
	}
	for _, name := range names {
		if !slices.ContainsFunc(doors, func(d wechat.Account) bool { return d.Name == name }) {
			return nil, fmt.Errorf("there is no %s named %q in the wechat block", doorKinds(), name)
		}
	}
	return doors, nil
}

// parseAccounts reads the official account of a site, and the doors it admits.
func (h *Handler) parseAccounts(d *caddyfile.Dispenser) error {
	if h.Account != "" {
		return d.Err("account is given twice; put all names into one line")
	}
	names := d.RemainingArgs()
	if len(names) == 0 || names[0] == "" {
		return d.Err("account needs a name (if one is written there: is the variable set?)")
	}
	h.Account, h.Doors = names[0], names[1:]
	return nil
}

// parseOrigins reads the origins whose pages may use the endpoints.
func (h *Handler) parseOrigins(d *caddyfile.Dispenser) error {
	origins := d.RemainingArgs()
	if len(origins) == 0 {
		return d.Err("cors_origin needs at least one origin, such as https://app.example.com")
	}
	for _, origin := range origins {
		if err := checkOrigin(origin); err != nil && !hasPlaceholder(origin) {
			return d.Errf("cors_origin: %v", err)
		}
	}
	h.CORSOrigins = append(h.CORSOrigins, origins...)
	return nil
}

// provisionDoors finds the doors of a site and checks who may use them from afar.
func (h *Handler) provisionDoors() (err error) {
	if h.site.doors, err = h.app.doors(h.Doors); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	for _, account := range append(h.site.doors[:len(h.site.doors):len(h.site.doors)], h.site.account) {
		h.app.admitted = append(h.app.admitted, account.Credentials.AppID)
	}
	for _, origin := range h.CORSOrigins {
		expanded, err := expand("cors_origin", origin)
		if err != nil {
			return err
		}
		canonical, ok := request.CanonicalOrigin(expanded)
		if !ok {
			return fmt.Errorf("cors_origin: %q is not an origin like https://app.example.com", withoutUser(origin))
		}
		h.site.rules.CORSOrigins = append(h.site.rules.CORSOrigins, canonical)
	}
	return nil
}
