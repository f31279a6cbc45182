package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// guarded is a Handler's configuration, checked and ready.
type guarded struct {
	account wechat.Account
	others  []wechat.Account
	origin  string
	rules   site.Rules
	scrub   request.Scrub
	scopes  []ScopeRule
	public  *PathRule
	opt     *PathRule
	health  bool // load balancers may ask
}

func (s *guarded) access(r *http.Request, original *url.URL) site.Access {
	switch {
	case s.public.opens(r, original):
		return site.Public
	case s.opt.opens(r, original):
		return site.Optional
	default:
		return site.Protected
	}
}

// need returns the scope that r's path requires. If several rules match,
// snsapi_userinfo wins. A rule for less applies only if every upstream reads
// the path the same way.
func (s *guarded) need(r *http.Request, original *url.URL) wechat.Scope {
	if len(s.scopes) == 0 {
		return s.rules.Scope
	}
	less, readings := false, request.ReadPath(original)
	for i := range s.scopes {
		rule := &s.scopes[i]
		if rule.asksLess() {
			less = less || rule.opens(r, original)
			continue
		}
		if rule.demands(r, original, readings) {
			return wechat.ScopeUserInfo
		}
	}
	if less {
		return wechat.ScopeBase
	}
	return s.rules.Scope
}

func (h *Handler) provisionSite(ctx caddy.Context) error {
	account, err := h.app.account(h.Account)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	h.site.account = account.Account
	if err := h.provisionOrigin(); err != nil {
		return err
	}
	if err := h.provisionCallback(); err != nil {
		return err
	}
	if err := h.provisionRules(); err != nil {
		return err
	}
	if err := h.provisionAccounts(); err != nil {
		return err
	}
	if err := h.provisionPaths(ctx); err != nil {
		return err
	}
	g := gate.Gate{Site: site.Site{Rules: h.site.rules}}
	h.site.scrub = request.NewScrub(g.HeaderNames())
	return nil
}

func (h *Handler) provisionOrigin() error {
	origin, err := expand("origin", h.Origin)
	if err != nil || origin == "" {
		return err
	}
	canonical, ok := request.CanonicalOrigin(origin)
	if !ok {
		return fmt.Errorf("origin: %q is not an origin like https://shop.example.com", withoutUser(h.Origin))
	}
	h.site.origin = canonical
	return nil
}

func (h *Handler) provisionRules() error {
	picked := map[string]string{}
	for option, value := range map[string]string{
		"scope": h.Scope, "consent": h.Consent, "without_consent": h.WithoutConsent,
		"outside_wechat": h.OutsideWechat, "snapshot": h.Snapshot, "check": h.Check, "keep_fragment": h.KeepFragment,
		"preserve_post": h.PreservePost,
		"encoding":      h.Encoding, "strip_cookies": h.StripCookies,
		"health": h.Health,
	} {
		var err error
		if picked[option], err = choose(option, value); err != nil {
			return err
		}
	}
	if h.DeclineHolds != 0 && !isDeclineHolds(time.Duration(h.DeclineHolds)) {
		return fmt.Errorf("decline_holds: %v is not a duration from 1m to 400d", time.Duration(h.DeclineHolds))
	}
	headers, err := h.headers()
	if err != nil {
		return err
	}
	theme, err := h.theme(h.app.Brand)
	if err != nil {
		return err
	}
	signed, err := h.Assertion.rule()
	if err != nil {
		return err
	}
	h.site.health = picked["health"] == "on"
	h.site.rules = site.Rules{
		Theme:           theme,
		Scope:           wechat.Scope(picked["scope"]),
		ConsentRedirect: picked["consent"] == "redirect",
		AllowDeclined:   picked["without_consent"] == "allow",
		DeclineHolds:    time.Duration(h.DeclineHolds),
		OutsideWeChat:   site.Outside(picked["outside_wechat"]),
		SnapshotGuest:   picked["snapshot"] == "guest",
		Check:           picked["check"] == "on",
		KeepFragment:    picked["keep_fragment"] == "on",
		PreservePost:    site.PreservePost(picked["preserve_post"]),
		Headers:         headers,
		Encoding:        site.Encoding(picked["encoding"]),
		PassCookies:     picked["strip_cookies"] == "off",
		Assertion:       signed,
	}
	if err := h.provisionEntry(&h.site.rules); err != nil {
		return err
	}
	if h.site.rules.OutsideWeChat == site.OutsidePass {
		h.logger.Warn("outside_wechat pass: any client can claim to be outside WeChat; the app must require a sign-in itself where it needs one", slog.String("account", h.site.account.Name))
	}
	return nil
}

func (h *Handler) provisionPaths(ctx caddy.Context) error {
	for i := range h.Scopes {
		if _, err := choose("scope", h.Scopes[i].Scope); err != nil || h.Scopes[i].Scope == "" {
			return fmt.Errorf("scope: a rule for some paths needs %v", choices["scope"])
		}
		if err := h.provisionScope(ctx, &h.Scopes[i]); err != nil {
			return err
		}
	}
	for field, rule := range map[string]*PathRule{"public": h.Public, "optional": h.Optional} {
		if rule == nil {
			continue
		}
		if err := rule.opensScripts(field); err != nil {
			return err
		}
		if err := rule.provision(ctx, field); err != nil {
			return err
		}
		h.warnLoose(field, rule)
	}
	h.site.scopes, h.site.public, h.site.opt = h.Scopes, h.Public, h.Optional
	return nil
}

// provisionScope prepares a rule for a scope on some paths. A rule for less
// opens paths, so it is read as narrowly as public.
func (h *Handler) provisionScope(ctx caddy.Context, rule *ScopeRule) error {
	if !rule.asksLess() {
		return rule.provision(ctx, "scope")
	}
	option := "scope " + rule.Scope
	if err := rule.opensScripts(option); err != nil {
		h.logger.Warn(err.Error() + "; as written, it lowers the scope of files in the root only")
	}
	if err := rule.provision(ctx, "scope"); err != nil {
		return err
	}
	h.warnLoose(option, &rule.PathRule)
	return nil
}

func (h *Handler) warnLoose(option string, rule *PathRule) {
	if loose := rule.opensLoosely(); loose != "" {
		h.logger.Warn(option + ": " + loose + " opens everything that it matches, perhaps scripts too (/admin.php/x.css); a folder such as /static/* is safer")
	}
}

// originalURL returns the address as the visitor sent it: rewrites and
// handle_path may have changed r.URL.
func originalURL(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		return original.URL
	}
	return r.URL
}
