package gate

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Rules is what the operator wants of one site.
type Rules struct {
	// CORSOrigins are the origins, such as https://app.example.com, whose pages may
	// use the endpoints for clients without cookies. As CanonicalOrigin gives them.
	CORSOrigins []string

	Scope           wechat.Scope // what a visitor must have given
	ConsentRedirect bool         // straight to WeChat's consent, without our page
	AllowDeclined   bool         // those who decline pass with the openid alone
	// DeclineHolds is how long a decline is remembered before the site asks again.
	// Zero or less means a day.
	DeclineHolds  time.Duration
	Outside       Outside
	SnapshotGuest bool             // 快照页 visitors pass as read-only guests
	Check         bool             // GET check tells other proxies who a visitor is
	Headers       map[Field]string // renamed headers; HeaderOff drops one
	Theme         *page.Theme      // the look of the site's pages; nil is the built-in one
}

// Gate guards one site.
type Gate struct {
	Hub     *Hub
	Account wechat.Account // the official account, of browsers
	// Doors are the other accounts whose visitors this site admits: mini programs,
	// mobile apps, websites.
	Doors []wechat.Account
	// Origin is the site's public origin, such as https://shop.example.com,
	// when it cannot be known from the request (TLS ends before us).
	Origin string
	Rules  Rules
	Logger *slog.Logger
	// Audit gets a line for each thing in [AuditRecord]. Nil: none is written.
	Audit *slog.Logger

	cache      identityCache
	declines   limit.One // of apps, see mobileDeclined
	refusals   limit.One // on WeChat's QR page, see refusedAtWebsite
	foreigners limit.One // of lines in the log, see explainForeign
	crowds     limit.One // the same, see logUnavailable
	badRequire limit.One // the same, see warnOfAnswer
	badLogout  limit.One // the same
	schemes    limit.One // the same, see warnOfScheme
	verifies   limit.One // the same, see warnOfVerifyFile
	untold     notice.Untold
	strange    sync.Once
	other      atomic.Pointer[Gate] // see under
}

// Serve decides one request. It returns pass=true when the request goes on to
// the upstream, with the visitor's identity if there is one; otherwise it has
// answered the request, and nothing may be written behind its answer (attack:
// GHSA-59jp-rwph-878r, the protected body behind the login page).
func (g *Gate) Serve(w http.ResponseWriter, r *Request) (id *Identity, pass bool) {
	if !g.prepare(r) {
		response.WriteError(w, http.StatusBadRequest, "bad_host", "The Host of this request is not a host name.")
		return nil, false
	}
	if r.sides && !r.token.sent {
		g.redeemAside(w, r)
	}
	g.warnOfVerifyFile(r)
	if g.passesPreflight(r) {
		return nil, true // without an identity, whatever it carries
	}
	if g.handOver(w, r) {
		return nil, false
	}
	err := g.identify(r)
	switch {
	case err != nil && r.Access == Protected:
		// Unavailable is not absent: nobody is sent to WeChat and no cookie is
		// touched because a store does not answer.
		g.allowOrigin(w, r)
		g.unavailable(w, r, retryStore, flow.Flow{}, err)
		return nil, false
	case err != nil, r.Access == Public, g.standing(r, r.Need) == Satisfied:
		// Decide's first row, before the costs of the other facts.
		r.forgetForeign(w)
		return r.id, true
	case r.token.sent && r.Access == Protected:
		g.allowOrigin(w, r)
		g.refuseToken(w)
		return nil, false
	}
	verdict := Decide(g.facts(r))
	if verdict == Pass {
		r.forgetForeign(w)
		return r.id, true
	}
	if !request.IsNavigation(r.Request) {
		g.allowOrigin(w, r)
	}
	g.answer(w, r, verdict)
	return nil, false
}

// prepare works out what the dance needs to know of a request.
func (g *Gate) prepare(r *Request) bool {
	r.token, r.withdrawn = takeToken(r.Request), g.Hub.Keys.Withdrawn()
	origin, ok := request.Origin(g.Origin, r.Request)
	if !ok {
		return false
	}
	r.origin, r.site = origin, cookies.SiteOf(origin)
	g.warnOfScheme(r)
	if r.sides = cookies.Any(r.Request); r.sides {
		r.landed = int8(g.counter(r).Read(r.Request, cookies.Landed, ""))
		r.foreign = cookies.ReadForeign(r.Request, r.site)
		if held := cookies.ReadSecrets(r.Request, r.site); held != nil {
			r.secrets = &held
		}
	}
	if r.Need == "" {
		r.Need = g.Rules.Scope
	}
	return true
}

// identify reads the session, the first of several cookies that is good.
func (g *Gate) identify(r *Request) error {
	if r.token.sent {
		return g.identifyToken(r) // wins over a cookie
	}
	var unavailable error
	var since time.Time // the store does not answer
	values, own := r.sessionValues()
	foreign := 0
	for i, value := range values {
		if unavailable != nil && time.Since(since) >= outage.StoreTimeout {
			break // many values must not make one request wait many times
		}
		id, err := g.lookup(r, value)
		switch {
		case err == nil:
			r.id, r.cookie, r.formerly = id, value, i >= own
			r.asked = int8(g.asked(r))
			return nil
		case !isNobody(err):
			// Only a clear no is a no (attack: a failing store read as "not
			// signed in", and everybody sent to sign in again).
			if unavailable = err; since.IsZero() {
				since = time.Now()
			}
		case i < own && isForeign(value, err):
			foreign++
		}
	}
	r.foreignSession = own > 0 && foreign == own
	return unavailable
}

func (g *Gate) facts(r *Request) Facts {
	return Facts{
		Access:     r.Access,
		Standing:   g.standing(r, r.Need),
		Navigation: request.IsNavigation(r.Request) && !r.token.sent,
		Write:      !isRead(r.Method) || r.Header.Get("Upgrade") != "", // a socket can carry anything
		InWeChat:   request.DetectBrowser(r.UserAgent()).InWeChat(),
		Outside:    g.outside(),
		Adrift:     r.landed == maxLandings,
		Excused:    r.landed == excused || r.foreign.N >= cookies.MaxForeign,
	}
}

// standing is what the request's session is worth where need is asked.
func (g *Gate) standing(r *Request, need wechat.Scope) Standing {
	switch {
	case r.id == nil:
		return Nobody
	case r.id.Guest():
		if !g.Rules.SnapshotGuest {
			return Nobody
		}
		return Guest
	case need == wechat.ScopeBase || r.id.scope == wechat.ScopeUserInfo:
		return Satisfied
	case g.Rules.AllowDeclined && g.declinedRecently(r.id):
		return Satisfied
	default:
		return Lacking
	}
}

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// answer carries out every verdict but Pass.
func (g *Gate) answer(w http.ResponseWriter, r *Request, v Verdict) {
	target := request.CleanTarget(r.Original.RequestURI())
	switch v {
	case Begin:
		g.begin(w, r, newDance{target: target, scope: wechat.ScopeBase, optional: r.Access == Optional})
	case AskConsent:
		g.askConsent(w, r, target)
	case RefuseWrite:
		response.WriteError(w, http.StatusForbidden, "snapshot_read_only", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
	case ExplainOutside:
		g.explainOutside(w, r, target)
	case ExplainCookies:
		g.explainCookies(w, r, target)
	case ShowScan:
		g.showScan(w, r, target, r.Need)
	default:
		g.refuse(w, r, target)
	}
}
