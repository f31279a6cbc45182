package caddymodule

import (
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

const directive = "wechat_auth"

func init() {
	httpcaddyfile.RegisterDirective(directive, parseDirective)
	// The handler runs after rewrites (return addresses come from the original
	// request) and before everything that could answer.
	httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "basic_auth")
}

// parseDirective sets up the handler from Caddyfile tokens. Syntax:
//
//	wechat_auth {
//		account         <official account> [<mini program, app or website>...]
//		origin          <address>
//		scope           snsapi_base|snsapi_userinfo [<path>|@<matcher>...]
//		consent         page|redirect
//		without_consent refuse|allow [<duration>]
//		public          <path>|@<matcher>...
//		optional        <path>|@<matcher>...
//		outside_wechat  qr|login|scan|pass|refuse
//		snapshot        page|guest
//		header          <field> <name>|off
//		header          phone on|<name>
//		encoding        percent|base64url|utf8
//		strip_cookies   on|off
//		cors_origin     <origin>...
//		check           on|off
//		keep_fragment   on|off
//		preserve_post   on|auto|off
//		assertion       [{
//			audience  <text>
//			lifetime  <duration>
//			algorithm ES256|EdDSA
//		}]
//		health          on|off
//		allow           followers|<openid|unionid|person>...
//		pages           <folder>
//		brand           { … }
//	}
//
// A site has it once, at the top level and without a matcher: the handler must
// scrub identity headers, and answer its own paths, on every request.
func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // consume the directive's name
	if err := seesEverything(h); err != nil {
		return nil, err
	}
	if h.NextArg() {
		return nil, noMatcher(h, h.Val())
	}
	handler, line := new(Handler), h.Token()
	if err := handler.words(h).parse(h.Dispenser, directive); err != nil {
		return nil, err
	}
	if err := checkAccount(h, handler.Account, handler.Accounts); err != nil {
		return nil, at(line, err.Error())
	}
	if err := handler.nameOrigins(h); err != nil {
		return nil, at(line, err.Error())
	}
	return h.NewRoute(nil, handler), nil
}

// noMatcher is the error for an argument of the directive. Those who write a
// path there want a sign-in for it, and public would do the opposite: so it
// shows both.
func noMatcher(h httpcaddyfile.Helper, argument string) error {
	others := "@open not path " + argument
	if strings.HasPrefix(argument, "@") {
		others = "an @open that matches all but " + argument
	}
	return h.Errf("%s takes no matcher or argument ('%s'): it must see every request of the site, or visitors could send identity headers of their own on the others; for a sign-in there only, write a named matcher for the other paths, %s, and: %s { public @open }; to open %s and protect the rest: %s { public %s }", directive, argument, others, directive, argument, directive, argument)
}

// seesEverything refuses positions where the handler would miss some requests.
func seesEverything(h httpcaddyfile.Helper) error {
	if h.IsNamedRoute() || isNested(h) {
		return h.Errf("%s must stand at the top level of the site, not inside handle, route or another block: it must see every request of the site; write it beside that block, and open paths with: %s { public <path> }, or all but some with a named matcher (@open not path /shop/*) and public @open; for one host of several, give that host a site of its own", directive, directive)
	}
	block := siteBlock(h)
	if address, hidden := block.hides(); hidden {
		return h.Errf("the site address %s has a path, and %s sees that path only: write the address without it, and open the other paths with a named matcher (@open not path <path>) and: %s { public @open }; handle chooses the app", address, directive, directive)
	}
	if block.count(directive) > 1 {
		return h.Errf("%s is given twice in this site; one is enough, put all options into one block", directive)
	}
	return orderIsSafe(h)
}

// isNested reports whether the directive is inside another one. At a site's top
// level Caddy's block state is the state itself; below it is a copy.
func isNested(h httpcaddyfile.Helper) bool {
	const probe = "wechat_auth.probe"
	h.State[probe] = true
	_, same := h.BlockState[probe]
	delete(h.State, probe)
	return !same
}

// answering lists the directives that may answer a request or send it to an
// upstream. The gate must come before all of them.
var answering = []string{"abort", "acme_server", "copy_response", "error", "metrics", "templates", "forward_auth", "request_header", "invoke", "handle", "handle_path", "route", "respond", "reverse_proxy", "php_fastcgi", "file_server"}

// orderIsSafe refuses a global option "order" that puts the handler after a
// directive that answers.
func orderIsSafe(h httpcaddyfile.Helper) error {
	order, ok := h.Option("order").([]string)
	if !ok {
		return nil
	}
	mine := slices.Index(order, directive)
	for _, other := range answering {
		if i := slices.Index(order, other); i >= 0 && i < mine {
			return h.Errf("the global option 'order' puts %s behind %s, so that requests would bypass it; remove this option", directive, other)
		}
	}
	return nil
}

// words is the table of the directive's options.
func (h *Handler) words(helper httpcaddyfile.Helper) words {
	return words{
		"account":         h.parseAccounts,
		"cors_origin":     h.parseOrigins,
		"check":           choice(&h.Check),
		"keep_fragment":   choice(&h.KeepFragment),
		"preserve_post":   choice(&h.PreservePost),
		"assertion":       h.parseAssertion,
		"origin":          checked(&h.Origin, checkOrigin),
		"consent":         choice(&h.Consent),
		"without_consent": h.parseWithoutConsent,
		"outside_wechat":  choice(&h.OutsideWechat),
		"snapshot":        choice(&h.Snapshot),
		"pages":           text(&h.Pages),
		"brand":           parseBrand(&h.Brand),
		"header":          h.parseHeader,
		"encoding":        choice(&h.Encoding),
		"strip_cookies":   choice(&h.StripCookies),
		"health":          choice(&h.Health),
		"allow":           h.parseAllow,
		"scope":           func(*caddyfile.Dispenser) error { return h.parseScope(helper) },
		"public":          func(*caddyfile.Dispenser) error { return parsePaths(helper, &h.Public) },
		"optional":        func(*caddyfile.Dispenser) error { return parsePaths(helper, &h.Optional) },
	}
}

// parseWithoutConsent reads what happens after a decline, and how long a
// decline is remembered.
func (h *Handler) parseWithoutConsent(d *caddyfile.Dispenser) error {
	if h.WithoutConsent != "" {
		return d.Errf("without_consent is given twice")
	}
	args := d.RemainingArgs()
	switch {
	case len(args) == 0:
		return d.Errf("without_consent needs a value (if one is written there: is the variable set?)")
	case !slices.Contains(choices["without_consent"], args[0]):
		return d.Errf("without_consent: '%s' is not one of: %s", args[0], strings.Join(choices["without_consent"], ", "))
	case len(args) > 1 && args[0] != "allow", len(args) > 2:
		return d.Errf("without_consent has one value too many: '%s'", args[len(args)-1])
	}
	h.WithoutConsent = args[0]
	if len(args) == 1 {
		return nil
	}
	holds, err := caddy.ParseDuration(args[1])
	if err != nil || !isDeclineHolds(holds) {
		return d.Errf("without_consent: '%s' is not a duration from 1m to 400d, such as 24h", args[1])
	}
	h.DeclineHolds = caddy.Duration(holds)
	return nil
}

func isDeclineHolds(holds time.Duration) bool { return holds >= time.Minute && holds <= maxLifetime }

// choice returns the parser of a word with one value out of a fixed set.
func choice(into *string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		if err := text(into)(d); err != nil {
			return err
		}
		if _, err := choose(word, *into); err != nil {
			return d.Errf("%s: '%s' is not one of: %s", word, *into, strings.Join(choices[word], ", "))
		}
		return nil
	}
}

func (h *Handler) parseHeader(d *caddyfile.Dispenser) error {
	var field, name string
	if !d.Args(&field, &name) {
		return d.Err("header needs a field and a name: header openid X-Remote-User, or: header nickname off")
	}
	if err := noMore(d, "header"); err != nil {
		return err
	}
	if !isField(field) {
		return d.Errf("header: there is no field '%s'; the fields are: %s", field, strings.Join(fieldNames(), ", "))
	}
	if _, twice := h.Headers[field]; twice {
		return d.Errf("header: the field '%s' is given twice", field)
	}
	if h.Headers == nil {
		h.Headers = map[string]string{}
	}
	h.Headers[field] = name
	if _, err := h.headers(); err != nil {
		return d.Err(err.Error())
	}
	return nil
}

func (h *Handler) parseScope(helper httpcaddyfile.Helper) error {
	var scope string
	if !helper.Args(&scope) {
		return helper.Errf("scope needs a value: %s", strings.Join(choices["scope"], " or "))
	}
	if _, err := choose("scope", scope); err != nil {
		return helper.Errf("scope: '%s' is not one of: %s", scope, strings.Join(choices["scope"], ", "))
	}
	rule := new(PathRule)
	if err := rule.parse(helper); err != nil {
		return err
	}
	if rule.isEmpty() {
		if h.Scope != "" {
			return helper.Errf("scope is given twice; to ask for another scope on some paths write: scope %s /account/*", scope)
		}
		h.Scope = scope
		return nil
	}
	h.Scopes = append(h.Scopes, ScopeRule{PathRule: *rule, Scope: scope})
	return nil
}
