package gate

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// maxScanForm bounds the form of the phone's page, in bytes.
const maxScanForm = 4 << 10

// scanPhone answers the address in a QR code, on the phone that scanned it. A
// GET changes nothing: WeChat fetches addresses, too. Only a session that was
// made for this code may see the page and answer it; see provedScan.
func (g *Gate) scanPhone(w http.ResponseWriter, r *site.Request, sealed string) {
	switch {
	case r.Method == http.MethodPost:
		if !g.RequireSameOriginPost(w, r) {
			return
		}
	case r.Method != http.MethodGet:
		response.MethodNotAllowed(w, http.MethodGet, http.MethodPost)
		return
	}
	c, err := scan.OpenCode(g.Hub.Keys, g.Sealer(r).Bound, sealed)
	if err != nil || c.Expired() {
		g.scanOver(w, r, page.ScanExpired, "")
		return
	}
	r.Flow = c.Name()
	target := request.ScanPath + sealed
	if err := g.Identify(r); err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{Target: target, Scope: wechat.ScopeBase}, err)
		return
	}
	if r.Refused != nil {
		g.notAllowed(w, r, target)
		return
	}
	proved, standing := g.provedScan(r, c), NoSession
	if proved {
		standing = g.standing(r, c.Need)
	}
	switch {
	case r.Identity != nil && r.Identity.Guest():
		// A virtual visitor cannot sign a browser in.
		g.explainSnapshot(w, r, flow.Flow{Target: target, Scope: wechat.ScopeBase})
	case !proved && r.Original.RawQuery == scanBack:
		g.scanUnproved(w, r, target)
	case standing != Satisfied:
		g.scanFirst(w, r, target, standing)
	case r.Method == http.MethodPost:
		g.scanReply(w, r, c)
	default:
		g.scanLook(w, r, c, target)
	}
}

// scanLook shows the question, or the earlier answer: a refusal to every
// visitor, a confirmation only to the session that gave it.
func (g *Gate) scanLook(w http.ResponseWriter, r *site.Request, c scan.Code, target string) {
	answer, answered, err := g.scanAnswer(r, c.ID())
	switch {
	case err != nil:
		g.Unavailable(w, r, site.RetryStore, flow.Flow{Target: target, Scope: wechat.ScopeBase}, err)
	case !answered:
		g.scanAsk(w, r, c, target)
	case answer.Denied || bytes.Equal(answer.By, r.Identity.Session.ID[:]):
		g.scanReplied(w, r, c, answer, false)
	default:
		g.scanOver(w, r, page.ScanExpired, "")
	}
}

// scanUnproved answers a phone that comes back from WeChat without a proof: its
// browser keeps no cookies, or has meanwhile signed in for another code.
func (g *Gate) scanUnproved(w http.ResponseWriter, r *site.Request, target string) {
	if r.Landings > 0 {
		g.explainCookies(w, r, target)
		return
	}
	g.tryAgain(w, r, flow.Flow{Target: target, Scope: wechat.ScopeBase})
}

// scanFirst has the phone's holder sign in, or consent, and come back. A
// session that was not made for this code counts as no session.
func (g *Gate) scanFirst(w http.ResponseWriter, r *site.Request, target string, standing Standing) {
	facts := g.facts(r)
	facts.Access, facts.Standing = site.Protected, standing
	switch verdict := Decide(facts.signInRequested()); verdict {
	case ShowScan:
		g.explainOutside(w, r, target) // the visitor has just scanned a code: do not show another one
	case Begin, AskConsent, ExplainCookies, ExplainOutside:
		g.answer(w, r, verdict, newDance{target: target, scope: wechat.ScopeBase, first: r.Flow})
	default:
		// A posted form, usually of a page that was opened before another code:
		// the holder opens the code again.
		g.Show(w, r, page.Page{Kind: page.SignInExpired, ContinueURL: site.LoginPath(target, wechat.ScopeBase)},
			"not_signed_in", "Open the code again in WeChat.")
	}
}

// scanAsk shows which browser asks, and lets the holder choose the number.
func (g *Gate) scanAsk(w http.ResponseWriter, r *site.Request, c scan.Code, target string) {
	if r.Landings > 0 && r.Landings <= site.MaxLandings {
		cookies.Landings.Clear(w, r.CookieScope) // the phone keeps our cookies, so several codes in a minute are no loop
	}
	g.Show(w, r, page.Page{
		Kind: page.ScanConfirm, ConfirmURL: target, Numbers: c.Numbers(),
		Device: c.Device.Name(), Network: request.NetworkName(c.Network), Ago: time.Since(c.Begun),
	}, "scan_confirm", "Open this address in WeChat.")
}

// scanReply stores the holder's answer. One wrong number is a refusal: repeated
// guesses would succeed (attack: QR-jacking, the code on the phone is not the
// one on the holder's own screen).
func (g *Gate) scanReply(w http.ResponseWriter, r *site.Request, c scan.Code) {
	if !response.ReadForm(w, r.Request, maxScanForm) {
		return
	}
	number, denied := r.PostFormValue("number"), r.PostFormValue("deny") != ""
	if number == "" && !denied {
		response.WriteError(w, http.StatusBadRequest, "bad_form", "Choose a number, or say no.")
		return
	}
	s := r.Identity.Session
	if !g.Hub.Scans.MayAnswer(s.Person) {
		g.scanTooMany(w, r, time.Minute, "")
		return
	}
	answer := scan.Answer{By: s.ID[:], Denied: true}
	if !denied && number == strconv.Itoa(c.Number) {
		answer = scan.Answer{By: s.ID[:], AppID: s.AppID, Value: r.SessionValue}
	}
	ctx, cancel := g.StoreContext(r)
	defer cancel()
	first, err := g.Hub.Scans.Answer(ctx, g.Hub.Keys, signin.OnceKey("answer", r.Origin, c.ID()), answer, c.Left()+cookies.ScanGrace)
	if err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return
	}
	if !first {
		// A second click of the same session repeats its answer; another
		// session's answer is not shown.
		before, _, err := g.scanAnswer(r, c.ID())
		if err != nil {
			g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
			return
		}
		if !bytes.Equal(before.By, answer.By) {
			g.scanOver(w, r, page.ScanExpired, "")
			return
		}
		answer = before
	}
	g.scanReplied(w, r, c, answer, first)
}

// scanReplied shows the stored answer.
func (g *Gate) scanReplied(w http.ResponseWriter, r *site.Request, c scan.Code, answer scan.Answer, first bool) {
	if !answer.Denied {
		g.Show(w, r, page.Page{Kind: page.ScanConfirmed}, "scan_confirmed", "The other browser is being signed in.")
		return
	}
	if first {
		g.countScan(signin.Declined)
		g.Logger.Info("sign-in of a browser refused on the phone", slog.String("session", r.Identity.Session.ID.Short()), slog.String("client", c.Device.Word()), slog.String("flow", c.Name()))
		g.WriteAudit(r, audit.Record{Action: audit.ActionDecline, Scope: string(r.Identity.Scope), Reason: audit.ReasonScan, Flow: c.Name()})
	}
	g.scanOver(w, r, page.ScanDenied, "")
}
