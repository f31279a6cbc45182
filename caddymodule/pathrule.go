package caddymodule

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/gate"
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
	matched, err := p.matches(r, original)
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
	if !gate.PlainPath(original) {
		return true // some server may read it as a path that the matchers mean
	}
	matched, err := p.matches(r, original)
	return matched || err != nil
}

// matches asks the matchers about the address as the visitor sent it: rewrites
// stand before the gate, and may lead from one path into another.
func (p *PathRule) matches(r *http.Request, original *url.URL) (bool, error) {
	sent := new(http.Request)
	*sent = *r
	sent.URL = original
	return p.sets.AnyMatchWithError(sent)
}

func parsePaths(helper httpcaddyfile.Helper, into **PathRule) error {
	word := helper.Val()
	rule := *into // the word may be repeated: paths add up
	if rule == nil {
		rule = new(PathRule)
	}
	before := rule.size()
	if err := rule.parse(helper); err != nil {
		return err
	}
	if rule.size() == before {
		return helper.Errf("%s needs a path or a named matcher: %s /static/* @assets", word, word)
	}
	*into = rule
	return nil
}

func (p *PathRule) size() int     { return len(p.Paths) + len(p.MatcherSetsRaw) }
func (p *PathRule) isEmpty() bool { return p.size() == 0 }

// parse reads paths and named matchers up to the end of the line.
func (p *PathRule) parse(helper httpcaddyfile.Helper) error {
	for helper.NextArg() {
		if !strings.HasPrefix(helper.Val(), "@") {
			if err := (gate.Paths{helper.Val()}).Validate(); err != nil {
				return helper.Err(err.Error())
			}
			p.Paths = append(p.Paths, helper.Val())
			continue
		}
		helper.Prev()
		set, ok, err := helper.MatcherToken()
		if err != nil {
			return helper.WrapErr(err)
		}
		if ok {
			p.MatcherSetsRaw = append(p.MatcherSetsRaw, set)
		}
	}
	return nil
}
