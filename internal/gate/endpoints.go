package gate

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/clients"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// endpoints are the exact paths below request.Prefix; the callback is a whole
// subtree.
var endpoints = map[string]func(*Gate, http.ResponseWriter, *site.Request){
	"session": (*Gate).sessionEndpoint,
	"login":   (*Gate).loginEndpoint,
	"logout":  (*Gate).logoutEndpoint,
	"decline": (*Gate).declineEndpoint,
	"check":   (*Gate).checkEndpoint,
	"follow":  (*Gate).followEndpoint,

	"jwks.json": (*Gate).jwksEndpoint,
}

// IsEndpoint reports whether the address, as the visitor sent it, belongs to
// the gate. Every path below /_wechat/ does; none of them reaches the upstream.
func IsEndpoint(original *url.URL) bool {
	return strings.HasPrefix(original.Path, request.Prefix) || original.Path == strings.TrimSuffix(request.Prefix, "/")
}

// clients returns the endpoints for clients without cookies.
func (g *Gate) clients() clients.Endpoints {
	return clients.Endpoints{Site: &g.Site, Declines: &g.declines}
}

// ServeEndpoint answers a request below /_wechat/.
func (g *Gate) ServeEndpoint(w http.ResponseWriter, r *site.Request) {
	w.Header().Set("Cache-Control", "no-store")
	response.TimeBody(w, r.Request)
	name := strings.TrimPrefix(r.Original.Path, request.Prefix)
	if name == clientPath {
		serveClientScript(w, r.Request)
		return
	}
	if !g.Prepare(r) {
		response.WriteError(w, http.StatusBadRequest, "bad_host", "The Host of this request is not a host name.")
		return
	}
	if r.LogoutError = g.CompleteLogout(w, r); r.LogoutError != nil {
		g.LogFailed(r, slog.LevelError, site.NotComplete, flow.Flow{}, r.LogoutError)
	}
	if g.clients().Serve(w, r, name) {
		return
	}
	if name == "jssdk" {
		g.clients().JSSDK(w, r)
		return
	}
	if rest, ok := strings.CutPrefix(name, "callback/at/"); ok {
		g.handOn(w, r, rest)
		return
	}
	if strings.HasPrefix(name, "callback/") {
		g.callback(w, r)
		return
	}
	if rest, ok := strings.CutPrefix(name, "scan/"); ok {
		g.serveScan(w, r, rest)
		return
	}
	if strings.HasPrefix(r.Original.Path, request.ResendPath) {
		g.resend(w, r)
		return
	}
	endpoint, ok := endpoints[name]
	if !ok {
		response.WriteError(w, http.StatusNotFound, "not_found", "There is no such endpoint.")
		return
	}
	endpoint(g, w, r)
}

// sessionEndpoint tells a page's script whether the visitor is signed in. The
// answer never contains a token or the unionid (attack: CVE-2024-39315).
func (g *Gate) sessionEndpoint(w http.ResponseWriter, r *site.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	}
	if err := g.Identify(r); err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return
	}
	if r.Refused != nil {
		g.notAllowed(w, r, "/")
		return
	}
	if r.Identity == nil || r.Identity.Guest() && !g.AdmitsGuests() {
		g.refuseJSON(w, r, wechat.ScopeBase)
		return
	}
	response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK, "user": site.NewUser(r.Identity)})
}

// loginEndpoint begins a dance on request. Our consent page links here with
// scope=snsapi_userinfo, a single page app with its own address in return_to.
func (g *Gate) loginEndpoint(w http.ResponseWriter, r *site.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	}
	target, scope, ok := g.askedAtLogin(r)
	if !ok {
		response.WriteError(w, http.StatusBadRequest, "bad_return_to", "return_to ends at its first &: percent-encode it, as encodeURIComponent('/orders?id=7&tab=2') does.")
		return
	}
	if err := g.Identify(r); err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{Target: target, Scope: scope}, err)
		return
	}
	if r.Refused != nil {
		g.notAllowed(w, r, target)
		return
	}
	if by := askedBy(r); by != "" {
		g.resume(w, r, by, target, scope)
		return
	}
	facts := g.facts(r)
	facts.Access, facts.Standing = site.Protected, g.standingForLogin(r, scope)
	switch verdict := Decide(facts.signInRequested()); verdict {
	case Pass:
		site.ReturnTo(w, r, target)
	case AskConsent: // our page, or the app, has already asked
		g.begin(w, r, newDance{target: target, scope: scope})
	default:
		g.answer(w, r, verdict, newDance{target: target, scope: scope, need: scope, again: r.Again()})
	}
}

// askedAtLogin returns the address to go to after the sign-in and the scope to
// ask for. It is not ok if the address was cut at an unescaped &.
func (g *Gate) askedAtLogin(r *site.Request) (target string, scope wechat.Scope, ok bool) {
	query := r.Original.RawQuery
	target, scope = "/", wechat.ScopeBase
	if addresses := request.Parameter(query, "return_to"); len(addresses) > 0 {
		target = request.ReturnTarget(addresses[0], r.Origin)
		g.noteLost(r, addresses[0])
	}
	if r.Original.Query().Get("scope") == string(wechat.ScopeUserInfo) {
		scope = wechat.ScopeUserInfo
	}
	return target, scope, !request.CutAtAmpersand(query, "return_to", "scope="+string(wechat.ScopeBase), "scope="+string(wechat.ScopeUserInfo))
}

// standingForLogin differs from standing: a decline or a guest session does not
// satisfy it, because this visitor asks to sign in.
func (g *Gate) standingForLogin(r *site.Request, scope wechat.Scope) Standing {
	switch {
	case r.Identity == nil || r.Identity.Guest():
		return NoSession
	case scope == wechat.ScopeBase || r.Identity.Scope == wechat.ScopeUserInfo:
		return Satisfied
	default:
		return Lacking
	}
}

// maxDeclineForm bounds the form of the consent page, in bytes.
const maxDeclineForm = 16 << 10

// declineEndpoint handles the consent page's decline button.
func (g *Gate) declineEndpoint(w http.ResponseWriter, r *site.Request) {
	if !g.RequireSameOriginPost(w, r) {
		return
	}
	if !response.ReadForm(w, r.Request, maxDeclineForm) {
		return
	}
	target := request.ReturnTarget(r.PostFormValue("return_to"), r.Origin)
	if err := g.Identify(r); err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return
	}
	// A visitor who has consented, or whose page had no decline button, cannot
	// decline.
	if r.Identity != nil && !r.Identity.Guest() && r.Identity.Scope != wechat.ScopeUserInfo && g.Rules.AllowDeclined {
		before := strconv.FormatInt(r.Identity.Session.Declined.Unix(), 10) // makes a second click the same decline
		if !g.Decline(w, r, flow.Flow{Target: target, Scope: wechat.ScopeUserInfo}, audit.ReasonPage, before) {
			return
		}
	}
	site.ReturnTo(w, r, target)
}
