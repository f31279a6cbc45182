package caddymodule

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// PathRule selects requests: those that match any of the paths or any of the
// matcher sets.
type PathRule struct {
	// Path patterns: exact (`/cart`), a prefix (`/static/*`), a suffix below a
	// folder (`/theme/*.css`). A rule that asks for `snsapi_userinfo` may also
	// have a suffix alone (`*.do`), because it opens nothing. Patterns are
	// compared with the path as the visitor sent it, before rewrites. Default:
	// none.
	Paths []string `json:"paths,omitempty"`

	// Request matchers. If the rule opens paths, no path in them may begin with
	// a star. Default: none.
	MatcherSetsRaw []caddy.ModuleMap `json:"match,omitempty" caddy:"namespace=http.matchers"`

	sets  caddyhttp.MatcherSets
	kinds []setKind // one for each of sets
}

// ScopeRule requires another scope on some requests.
type ScopeRule struct {
	PathRule

	// `snsapi_base` or `snsapi_userinfo`. Required.
	Scope string `json:"scope,omitempty"`
}

// asksLess reports whether the rule lowers the scope of its site.
func (s *ScopeRule) asksLess() bool { return s.Scope != string(wechat.ScopeUserInfo) }

func (p *PathRule) provision(ctx caddy.Context, field string) error {
	if err := request.Paths(p.Paths).Validate(); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	if p.isEmpty() {
		return fmt.Errorf("%s: no paths are given", field)
	}
	for _, set := range p.MatcherSetsRaw { // before Caddy loads them and drops their JSON
		p.kinds = append(p.kinds, kindOfSet(set))
	}
	matchers, err := ctx.LoadModule(p, "MatcherSetsRaw")
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return p.sets.FromInterface(matchers)
}

// opens reports whether the rule lets r pass. In doubt it returns false.
func (p *PathRule) opens(r *http.Request, original *url.URL) bool {
	if p == nil {
		return false
	}
	if request.Paths(p.Paths).Opens(original) {
		return true
	}
	if len(p.sets) == 0 || !request.PlainPath(original) {
		return false // an empty set of matchers would match everything
	}
	for i, set := range p.sets {
		if p.kinds[i].suffix != "" && !request.InRoot(original) {
			continue // in a rule for less, a suffix without a folder means files in the root
		}
		if p.kinds[i].stars && request.BelowScript(original) {
			continue // attack: path /theme/*/*.css opens /theme/admin.php/x.css
		}
		matched, err := set.MatchWithError(p.kinds[i].sent(r, original))
		if err != nil {
			return false
		}
		if matched && exceptsNothing(set, p.kinds[i], r, original) {
			return true
		}
	}
	return false
}

// exceptsNothing reports whether no server can read the path as one that set
// excludes: "everything but /admin/*" must not open /admin./x, which Windows
// reads as /admin/x.
func exceptsNothing(set caddyhttp.MatcherSet, kind setKind, r *http.Request, original *url.URL) bool {
	var excepting caddyhttp.MatcherSet
	for _, matcher := range set {
		if isExcepting(matcher) {
			excepting = append(excepting, matcher)
		}
	}
	return len(excepting) == 0 || request.ReadPath(original).Every(func(path string) bool {
		holds, err := excepting.MatchWithError(kind.sent(r, readAs(original, path)))
		return holds && err == nil
	})
}

// demands reports whether the rule applies to r, whose path servers may read in
// these ways. In doubt it returns true.
func (p *PathRule) demands(r *http.Request, original *url.URL, readings request.Readings) bool {
	if request.Paths(p.Paths).DemandsAny(readings) {
		return true
	}
	if len(p.sets) == 0 {
		return false
	}
	return readings.Doubt || readings.Any(func(path string) bool {
		for i, set := range p.sets {
			ways := []string{path, request.OtherSlash(path)}
			if p.kinds[i].excepts {
				ways = ways[:1] // "not /static/*" means /static/, and not /static
			}
			for _, way := range ways {
				matched, err := set.MatchWithError(p.kinds[i].sent(r, readAs(original, way)))
				if matched || err != nil {
					return true
				}
			}
		}
		return false
	})
}

func parsePaths(helper httpcaddyfile.Helper, into **PathRule) error {
	word := helper.Val()
	rule := *into // a repeated word adds its paths
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
	if err := rule.opensScripts(word); err != nil {
		return helper.Err(err.Error())
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
			if err := (request.Paths{helper.Val()}).Validate(); err != nil {
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
