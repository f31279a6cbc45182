package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// PathRule says on which requests something holds: on any of the paths or any
// of the matcher sets.
type PathRule struct {
	// Path patterns: exact (`/cart`), a prefix (`/static/*`), a suffix (`*.css`).
	// They are compared with the path as the visitor sent it, before rewrites.
	Paths []string `json:"paths,omitempty"`

	// Request matchers.
	MatcherSetsRaw []caddy.ModuleMap `json:"match,omitempty" caddy:"namespace=http.matchers"`

	sets caddyhttp.MatcherSets
}

// ScopeRule asks for another scope on some requests.
type ScopeRule struct {
	PathRule

	// `snsapi_base` or `snsapi_userinfo`.
	Scope string `json:"scope,omitempty"`
}

func (p *PathRule) provision(ctx caddy.Context, field string) error {
	if err := gate.Paths(p.Paths).Validate(); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	if len(p.Paths) == 0 && len(p.MatcherSetsRaw) == 0 {
		return fmt.Errorf("%s: say on which paths", field)
	}
	matchers, err := ctx.LoadModule(p, "MatcherSetsRaw")
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return p.sets.FromInterface(matchers)
}

// opens reports whether r may pass by this rule. In doubt it may not.
func (p *PathRule) opens(r *http.Request, original *url.URL) bool {
	if p == nil {
		return false
	}
	if gate.Paths(p.Paths).Opens(original) {
		return true
	}
	if len(p.sets) == 0 || !gate.PlainPath(original) {
		return false // an empty set would match everything
	}
	matched, err := p.sets.AnyMatchWithError(r)
	return matched && err == nil
}

// demands reports whether this rule asks something of r. In doubt it does.
func (p *PathRule) demands(r *http.Request, original *url.URL) bool {
	if gate.Paths(p.Paths).Demands(original) {
		return true
	}
	if len(p.sets) == 0 {
		return false
	}
	matched, err := p.sets.AnyMatchWithError(r)
	return matched || err != nil
}

// site is a Handler's configuration, checked and ready.
type site struct {
	account gate.Account
	origin  string
	rules   gate.Rules
	scrub   gate.Scrub
	scopes  []ScopeRule
	public  *PathRule
	opt     *PathRule
}

func (s *site) access(r *http.Request, original *url.URL) gate.Access {
	switch {
	case s.public.opens(r, original):
		return gate.Public
	case s.opt.opens(r, original):
		return gate.Optional
	default:
		return gate.Protected
	}
}

// need is what r's path asks. A rule for a smaller scope holds only where every
// upstream reads the path the same way.
func (s *site) need(r *http.Request, original *url.URL) wechat.Scope {
	for i := range s.scopes {
		rule := &s.scopes[i]
		if rule.Scope == string(wechat.ScopeUserInfo) && rule.demands(r, original) ||
			rule.Scope == string(wechat.ScopeBase) && rule.opens(r, original) {
			return wechat.Scope(rule.Scope)
		}
	}
	return s.rules.Scope
}

var headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// choices are the options with a fixed set of values, the default first.
var choices = map[string][]string{
	"scope":           {string(wechat.ScopeUserInfo), string(wechat.ScopeBase)},
	"consent":         {"page", "redirect"},
	"without_consent": {"refuse", "allow"},
	"outside_wechat":  {string(gate.OutsideQR), string(gate.OutsideLogin), string(gate.OutsidePass), string(gate.OutsideRefuse)},
	"snapshot":        {"page", "guest"},
}

// choose returns value, or the option's default, or what is wrong with it.
func choose(option, value string) (string, error) {
	allowed := choices[option]
	if value == "" {
		return allowed[0], nil
	}
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("%s: %q is not one of %v", option, value, allowed)
	}
	return value, nil
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
	if err := h.provisionRules(); err != nil {
		return err
	}
	if err := h.provisionPaths(ctx); err != nil {
		return err
	}
	g := gate.Gate{Rules: h.site.rules}
	h.site.scrub = gate.NewScrub(g.HeaderNames())
	return nil
}

func (h *Handler) provisionOrigin() error {
	origin, err := expand("origin", h.Origin)
	if err != nil || origin == "" {
		return err
	}
	canonical, ok := gate.CanonicalOrigin(origin)
	if !ok {
		return fmt.Errorf("origin: %q is not an origin like https://shop.example.com", origin)
	}
	h.site.origin = canonical
	return nil
}

func (h *Handler) provisionRules() error {
	picked := map[string]string{}
	for option, value := range map[string]string{
		"scope": h.Scope, "consent": h.Consent, "without_consent": h.WithoutConsent,
		"outside_wechat": h.OutsideWechat, "snapshot": h.Snapshot,
	} {
		var err error
		if picked[option], err = choose(option, value); err != nil {
			return err
		}
	}
	headers, err := h.headers()
	if err != nil {
		return err
	}
	h.site.rules = gate.Rules{
		Scope:           wechat.Scope(picked["scope"]),
		ConsentRedirect: picked["consent"] == "redirect",
		AllowDeclined:   picked["without_consent"] == "allow",
		Outside:         gate.Outside(picked["outside_wechat"]),
		SnapshotGuest:   picked["snapshot"] == "guest",
		Headers:         headers,
	}
	if h.site.rules.Outside == gate.OutsidePass {
		h.logger.Warn("outside_wechat pass: anybody can claim to be outside WeChat; the app must ask for a sign-in itself where it needs one", slog.String("account", h.site.account.Name))
	}
	return nil
}

// headers checks the renamed headers. Two fields must not share a name, and
// none may take the name of a header that means something to HTTP.
func (h *Handler) headers() (map[gate.Field]string, error) {
	if len(h.Headers) == 0 {
		return nil, nil
	}
	headers := make(map[gate.Field]string, len(h.Headers))
	used := map[string]string{}
	for _, f := range gate.Fields {
		name, ok := h.Headers[string(f.Field)]
		if !ok {
			name = f.Header
		} else {
			headers[f.Field] = name
		}
		if name == gate.HeaderOff {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !headerForm.MatchString(name):
			return nil, fmt.Errorf("header %s: %q is not a header name of letters, digits and -", f.Field, name)
		case slices.Contains(takenHeaders, canonical):
			return nil, fmt.Errorf("header %s: %s has another meaning; choose a name like X-Remote-User", f.Field, name)
		case used[canonical] != "":
			return nil, fmt.Errorf("header %s: %s already carries %s", f.Field, name, used[canonical])
		}
		used[canonical] = string(f.Field)
	}
	for field := range h.Headers {
		if !isField(field) {
			return nil, fmt.Errorf("header: there is no field %q; the fields are %v", field, fieldNames())
		}
	}
	return headers, nil
}

// takenHeaders mean something to servers or proxies, or carry what we read.
var takenHeaders = []string{
	"Accept", "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Expect", "Host", "Keep-Alive",
	"Origin", "Proxy-Authorization", "Range", "Referer", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Requested-With", "Forwarded",
	gate.HeaderRequire, gate.HeaderLogout,
}

func isField(name string) bool { return slices.Contains(fieldNames(), name) }

func fieldNames() []string {
	var names []string
	for _, f := range gate.Fields {
		names = append(names, string(f.Field))
	}
	return names
}

func (h *Handler) provisionPaths(ctx caddy.Context) error {
	for i := range h.Scopes {
		if _, err := choose("scope", h.Scopes[i].Scope); err != nil || h.Scopes[i].Scope == "" {
			return fmt.Errorf("scope: a rule for some paths needs %v", choices["scope"])
		}
		if err := h.Scopes[i].provision(ctx, "scope"); err != nil {
			return err
		}
	}
	for field, rule := range map[string]*PathRule{"public": h.Public, "optional": h.Optional} {
		if rule == nil {
			continue
		}
		if err := rule.provision(ctx, field); err != nil {
			return err
		}
	}
	h.site.scopes, h.site.public, h.site.opt = h.Scopes, h.Public, h.Optional
	return nil
}

// originalURL is the address as the visitor sent it: rewrites and handle_path
// have changed r's by now.
func originalURL(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		return original.URL
	}
	return r.URL
}
