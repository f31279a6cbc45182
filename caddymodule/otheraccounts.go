package caddymodule

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// otherAccounts returns the accounts, besides the official one, whose visitors
// a site admits: the named ones, or all of the other kinds if no name is given.
func (a *App) otherAccounts(names []string) ([]wechat.Account, error) {
	var others []wechat.Account
	for _, account := range a.accounts {
		if account.Kind == wechat.OfficialAccount || len(names) > 0 && !slices.Contains(names, account.Name) {
			continue
		}
		others = append(others, account.Account)
	}
	for _, name := range names {
		if !slices.ContainsFunc(others, func(o wechat.Account) bool { return o.Name == name }) {
			return nil, fmt.Errorf("there is no %s named %q in the wechat block", otherKinds(), name)
		}
	}
	return others, nil
}

// parseAccounts reads the official account of a site and the other accounts
// that it admits.
func (h *Handler) parseAccounts(d *caddyfile.Dispenser) error {
	if h.Account != "" {
		return d.Err("account is given twice; put all names into one line")
	}
	names := d.RemainingArgs()
	if len(names) == 0 || names[0] == "" {
		return d.Err("account needs a name (if one is written there: is the variable set?)")
	}
	h.Account, h.Accounts = names[0], names[1:]
	return nil
}

// parseOrigins reads the origins whose pages may call the endpoints.
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

// provisionAccounts finds the other accounts of a site and checks the origins
// whose pages may call their endpoints.
func (h *Handler) provisionAccounts() (err error) {
	names := h.Accounts
	if len(h.Doors) > 0 {
		// Older versions wrote this key into autosave.json, which --resume
		// reads.
		h.logger.Warn("the JSON key doors is now called accounts: rename it", slog.Any("doors", h.Doors))
		names = append(slices.Clone(names), h.Doors...)
	}
	if h.site.others, err = h.app.otherAccounts(names); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	shown := statusSite{Origin: h.site.origin}
	for _, account := range append([]wechat.Account{h.site.account}, h.site.others...) {
		h.app.admitted = append(h.app.admitted, account.Credentials.AppID)
		shown.Accounts = append(shown.Accounts, account.Name)
	}
	h.app.sites = append(h.app.sites, shown)
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
