package caddymodule

import (
	"net/http"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/request"
)

func init() {
	caddy.RegisterModule(MatchBrowser{})
}

// MatchBrowser matches requests whose User-Agent is that of the WeChat browser
// (on phones and desktops, in mini program web-views and in WeChat's developer
// tools), and not of 企业微信. Any client can send any User-Agent: use the matcher
// to choose what to show, never to protect anything.
type MatchBrowser struct{}

// CaddyModule returns the Caddy module information.
func (MatchBrowser) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.wechat_browser", New: func() caddy.Module { return new(MatchBrowser) }}
}

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens. Syntax:
//
//	wechat_browser
func (m *MatchBrowser) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the matcher's name
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(0) {
		return d.Err("wechat_browser takes no block")
	}
	return nil
}

// Match reports whether r comes from a WeChat browser.
func (m MatchBrowser) Match(r *http.Request) bool {
	return request.DetectBrowser(r.UserAgent()).InWeChat()
}

// MatchWithError is Match; the error is always nil.
func (m MatchBrowser) MatchWithError(r *http.Request) (bool, error) {
	return m.Match(r), nil
}

// CELLibrary makes the matcher usable in expressions:
//
//	expression wechat_browser()
func (MatchBrowser) CELLibrary(_ caddy.Context) (cel.Library, error) {
	const function = "wechat_browser_match_request"
	factory := func(ref.Val) (caddyhttp.RequestMatcherWithError, error) {
		return MatchBrowser{}, nil
	}
	// Caddy's own helper supports only macros with arguments.
	macro := cel.GlobalMacro("wechat_browser", 0, func(eh cel.MacroExprFactory, _ ast.Expr, _ []ast.Expr) (ast.Expr, *common.Error) {
		return eh.NewCall(function, eh.NewIdent(caddyhttp.CELRequestVarName), eh.NewList()), nil
	})
	request, nothing := cel.ObjectType("http.Request"), cel.ListType(cel.StringType)
	return caddyhttp.NewMatcherCELLibrary(
		[]cel.EnvOption{
			cel.Macros(macro),
			cel.Function(function,
				cel.Overload(function, []*cel.Type{request, nothing}, cel.BoolType),
				cel.SingletonBinaryBinding(caddyhttp.CELMatcherRuntimeFunction(function, factory))),
		},
		[]cel.ProgramOption{cel.CustomDecorator(caddyhttp.CELMatcherDecorator(function, factory))},
	), nil
}

// Interface guards.
var (
	_ caddyhttp.RequestMatcherWithError = (*MatchBrowser)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchBrowser)(nil)
	_ caddyfile.Unmarshaler             = (*MatchBrowser)(nil)
)
