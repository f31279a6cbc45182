package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/request"
)

// setKind describes the matchers of a set.
type setKind struct {
	stars   bool   // a path has a star for a folder
	suffix  string // a path that begins with a star, as the operator wrote it; "" if none does
	advice  string // what is wrong with suffix in a rule that opens paths, and what to write instead
	loose   string // a matcher that may match any path; "" if there is none
	excepts bool   // matches what something else does not match
	expands bool   // reads placeholders
}

// ownPath lists the matchers that read the path from the request that they get,
// or do not read it, and never from a placeholder.
var ownPath = map[string]bool{
	"path": true, "path_regexp": true, "url_pattern": true, "not": true, "method": true, "host": true, "header": true, "header_regexp": true,
	"query": true, "protocol": true, "tls": true, "remote_ip": true, "client_ip": true, "wechat_browser": true,
}

// looseMatchers lists the matchers whose patterns may match across slashes.
var looseMatchers = map[string]string{
	"path_regexp": "a regular expression (path_regexp)",
	"url_pattern": "a pattern of addresses (url_pattern)",
}

// kindOfSet reads a set's JSON, because the loaded matchers do not show all of
// it.
func kindOfSet(set caddy.ModuleMap) setKind {
	var kind setKind
	for name, raw := range set {
		if loose := looseMatchers[name]; loose != "" {
			kind.loose = loose
		}
		if !ownPath[name] || bytes.Contains(raw, []byte("{http.")) {
			kind.expands = true
		}
		switch name {
		case "path":
			kind.readPath(raw)
		case "expression":
			kind.readExpression(raw)
		case "not":
			kind.readNot(raw)
		case "vars", "vars_regexp":
			if readsAddress(raw) {
				kind.loose = "a condition on the address (" + name + ")"
			}
		}
	}
	return kind
}

func (k *setKind) readPath(raw json.RawMessage) {
	var paths request.Paths
	if json.Unmarshal(raw, &paths) != nil {
		return // loading it says what is wrong
	}
	replacer := caddy.NewReplacer()
	for i, path := range paths {
		paths[i] = replacer.ReplaceKnown(path, "")
	}
	k.addSuffix("path ", paths)
}

func (k *setKind) addSuffix(before string, paths request.Paths) {
	k.stars = k.stars || slices.ContainsFunc(paths, request.StarsForFolders)
	if pattern, suffix, ok := paths.BareSuffix(); ok {
		k.suffix, k.advice = before+pattern, suffixAdvice(suffix)
	}
}

func suffixAdvice(suffix string) string {
	script := "/admin.php/" + strings.ReplaceAll(suffix, "*", "x")
	return fmt.Sprintf("opens scripts too (%s): write a folder before it, such as /static/%s, or /%s for files in the root", script, suffix, suffix)
}

func (k *setKind) readNot(raw json.RawMessage) {
	var sets []caddy.ModuleMap
	if json.Unmarshal(raw, &sets) != nil {
		return // loading it says what is wrong
	}
	k.excepts = true
	for _, set := range sets {
		inner := kindOfSet(set)
		k.expands = k.expands || inner.expands
		if inner.loose != "" {
			k.loose = inner.loose
		}
		if inner.suffix != "" {
			k.suffix = "not " + inner.suffix
			k.advice = "opens scripts too (/admin.php/x): except folders, such as not path /admin/*"
		}
	}
}

var (
	pathCalls   = regexp.MustCompile(`\bpath\s*\([^)]*\)`)
	suffixTexts = regexp.MustCompile(`["'](\*[^"']*)["']`)
)

// readExpression finds suffixes in calls of path(). It does not parse CEL: an
// operator has no reason to hide a suffix.
func (k *setKind) readExpression(raw json.RawMessage) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var named struct{ Expr string }
		if json.Unmarshal(raw, &named) != nil {
			return // loading it says what is wrong
		}
		text = named.Expr
	}
	for _, call := range pathCalls.FindAllString(text, -1) {
		for _, found := range suffixTexts.FindAllStringSubmatch(call, -1) {
			k.addSuffix("path ", request.Paths{found[1]})
		}
	}
	if readsAddress(json.RawMessage(text)) || strings.Contains(text, "path_regexp(") || strings.Contains(text, "url_pattern(") {
		k.loose = "an expression on the path"
	}
	k.excepts = k.excepts || strings.Contains(text, "!")
}

// readsAddress reports whether raw contains a placeholder of the address.
func readsAddress(raw json.RawMessage) bool {
	return bytes.Contains(raw, []byte("http.request.uri")) || bytes.Contains(raw, []byte("http.request.orig_uri"))
}

// isExcepting reports whether a matcher matches what something else does not.
func isExcepting(matcher any) bool {
	switch m := matcher.(type) {
	case *caddyhttp.MatchNot:
		return true
	case *caddyhttp.MatchExpression:
		return strings.Contains(m.Expr, "!")
	default:
		return false
	}
}

// opensScripts returns an error for a rule that opens files by their suffix
// alone: PHP runs /admin.php for /admin.php/x.css. It is called before Caddy
// loads the matchers.
func (p *PathRule) opensScripts(option string) error {
	if pattern, suffix, ok := request.Paths(p.Paths).BareSuffix(); ok {
		return fmt.Errorf("%s %s %s", option, pattern, suffixAdvice(suffix))
	}
	for _, set := range p.MatcherSetsRaw {
		if kind := kindOfSet(set); kind.suffix != "" {
			return fmt.Errorf("%s: the matcher %q %s", option, kind.suffix, kind.advice)
		}
	}
	return nil
}

// opensLoosely returns the name of a matcher that may open more than the
// operator expects; "" if there is none.
func (p *PathRule) opensLoosely() string {
	for _, kind := range p.kinds {
		if kind.loose != "" {
			return kind.loose
		}
	}
	return ""
}
