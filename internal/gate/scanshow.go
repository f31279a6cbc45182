package gate

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// scanWaitPath, followed by a code's id, is the path of the waiting browser.
const scanWaitPath = request.ScanPath + "wait/"

// showScan answers a browser outside WeChat with a QR code of its own. The
// server stores nothing for it.
func (g *Gate) showScan(w http.ResponseWriter, r *site.Request, target string, need wechat.Scope) {
	if request.IsScanPath(target) {
		g.explainOutside(w, r, target) // the visitor has just scanned a code: do not show another one
		return
	}
	if !g.Hub.Scans.Limits().MayShow(r.HeldSecrets().First(), r.ClientAddr()) {
		g.showsNoCode(r)
		g.scanTooMany(w, r, scan.ShowBrowser.Every, site.LoginPath(target, need))
		return
	}
	c, value := scan.NewCode(r.UserAgent(), r.ClientAddr(), need, r.BrowserSecret(w))
	r.Flow = c.Name()
	sealed, err := c.Seal(g.Hub.Keys, g.Sealer(r).Bound)
	if err != nil {
		g.misconfigured(w, r, flow.Flow{}, err)
		return
	}
	cookies.Scan.SetAt(w, r.CookieScope, scanWaitPath+c.ID(), value+"."+sealed) // sent to this code's wait path only
	g.SignIns().Begin(g.Account.Name, signin.ByScan)
	g.Logger.Debug("sign-in started", slog.String("flow", r.Flow), slog.String("scope", string(need)), slog.String("way", "scan"))
	g.scanPage(w, r, c, sealed, target)
}

func (g *Gate) scanPage(w http.ResponseWriter, r *site.Request, c scan.Code, sealed, target string) {
	wait := scanWaitPath + c.ID()
	g.Show(w, r, page.Page{
		Kind: page.Scan, URL: r.Origin + request.ScanPath + sealed, Number: strconv.Itoa(c.Number),
		WaitURL: wait, ContinueURL: wait + "?" + url.Values{"return_to": {target}}.Encode(),
	}, "scan", "Scan the code of this page with WeChat on your phone.")
}

// showsNoCode logs, at most once a minute, that a browser got no code because
// of the limit. Behind a proxy that is not trusted all visitors seem to have
// one address.
func (g *Gate) showsNoCode(r *site.Request) {
	g.Hub.Scans.Limits().Line().Warn(g.Logger, site.MistakeRate, "too many QR codes requested; if all visitors seem to come from one address, set trusted_proxies",
		slog.String("site", r.Origin), slog.String("network", request.NetworkName(request.MaskAddr(r.ClientAddr()))))
}

// scanOf returns the code with this id, if the browser of r is the one that
// shows it.
func (g *Gate) scanOf(r *site.Request, id string) (c scan.Code, sealed string, ok bool) {
	for _, cookie := range cookies.Scan.Values(r.Request, r.CookieScope) {
		value, sealed, _ := strings.Cut(cookie, ".")
		if len(value) > cookies.MaxBound || len(sealed) > request.MaxScanText {
			continue
		}
		c, err := scan.OpenCode(g.Hub.Keys, g.Sealer(r).Bound, sealed)
		if err != nil || c.ID() != id {
			continue
		}
		// A photographed code or a found id is useless without this cookie
		// (attack: fetching the session that another person's phone has
		// confirmed).
		if r.HeldSecrets().BindsTo(cookies.Scan, value, c.Digest[:]) {
			r.Flow = c.Name()
			return c, sealed, true
		}
	}
	return scan.Code{}, "", false
}

// serveScan answers requests below request.ScanPath. On a site without sign-in
// by scan they are 404.
func (g *Gate) serveScan(w http.ResponseWriter, r *site.Request, rest string) {
	wait, waiting := strings.CutPrefix(rest, "wait/")
	id, what, _ := strings.Cut(wait, "/")
	switch {
	case g.outside() != site.OutsideScan || !waiting && strings.Contains(rest, "/"):
		response.WriteError(w, http.StatusNotFound, "not_found", "There is no such endpoint.")
	case !waiting:
		g.scanPhone(w, r, rest)
	case what == "" && r.Method == http.MethodPost: // after the question of scanConfirmOtherPerson
		if g.RequireOwnForm(w, r) {
			g.scanNext(w, r, id)
		}
	case r.Method != http.MethodGet:
		response.MethodNotAllowed(w, http.MethodGet) // a HEAD must not sign a browser in
	case what == "":
		g.scanNext(w, r, id)
	case what == "state":
		g.scanPoll(w, r, id)
	case what == "events":
		g.scanStream(w, r, id)
	default:
		response.WriteError(w, http.StatusNotFound, "not_found", "There is no such endpoint.")
	}
}

// scanNext is the page to which the waiting browser goes: by script when there
// is an answer, and by reloading where it runs no script.
func (g *Gate) scanNext(w http.ResponseWriter, r *site.Request, id string) {
	target := request.ReturnTarget(r.Original.Query().Get("return_to"), r.Origin)
	c, sealed, ok := g.scanOf(r, id)
	if !ok {
		// It does not redirect to the target, which would show another code at
		// once: a browser that keeps no cookies would loop.
		g.scanOver(w, r, page.ScanExpired, site.LoginPath(target, wechat.ScopeBase))
		return
	}
	again := site.LoginPath(target, c.Need)
	var answer scan.Answer
	var answered bool
	var err error
	if g.mayPoll(r, id) { // otherwise the phone counts as not having answered yet
		answer, answered, err = g.scanAnswer(r, id)
	}
	switch {
	case err != nil:
		g.scanUnavailable(w, r, err)
	case answered && answer.Denied:
		g.scanOver(w, r, page.ScanDenied, again)
	case answered && r.Method == http.MethodGet && g.scanConfirmOtherPerson(w, r, answer, target):
	case answered:
		g.scanArrive(w, r, c, answer, target)
	case c.Expired():
		g.countScan(signin.Expired)
		g.scanOver(w, r, page.ScanExpired, again)
	default:
		g.scanPage(w, r, c, sealed, target)
	}
}

// scanAnswer reads a phone's answer to a code.
func (g *Gate) scanAnswer(r *site.Request, id string) (scan.Answer, bool, error) {
	ctx, cancel := g.StoreContext(r)
	defer cancel()
	return g.Hub.Scans.Read(ctx, g.Hub.Keys, signin.OnceKey("answer", r.Origin, id))
}

// scanOver shows that a code is no longer valid. again is the address of a new
// code; "" means none.
func (g *Gate) scanOver(w http.ResponseWriter, r *site.Request, kind page.Kind, again string) {
	g.Show(w, r, page.Page{Kind: kind, ContinueURL: again}, string(kind), "This code has expired or was refused. Show a new one.")
}

// scanTooMany answers 429 to a visitor who has requested or answered too many
// codes.
func (g *Gate) scanTooMany(w http.ResponseWriter, r *site.Request, after time.Duration, again string) {
	response.RetryIn(w, after) // for scripts; the page has its own text
	g.Show(w, r, page.Page{Kind: page.Unavailable, Status: http.StatusTooManyRequests, RetryAfter: after, ContinueURL: again},
		"too_frequent", "Too many codes. Wait a moment, and try again.")
}

func (g *Gate) scanUnavailable(w http.ResponseWriter, r *site.Request, err error) {
	g.LogUnavailable(r, g.Account, "", err)
	response.RetryIn(w, site.RetryStore)
	g.Show(w, r, page.Page{Kind: page.Unavailable, RetryAfter: site.RetryStore}, "unavailable", "Sign-in does not work at the moment. Please try again in a moment.")
}
