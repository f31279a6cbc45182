package gate

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// With keep_fragment, a navigation that needs a sign-in gets a small page
// first. Its script reads the fragment, which browsers do not send, and goes on
// to the login endpoint with the whole address in return_to. The parameter
// asked_by tells the endpoint to decide there as the gate would have decided
// here. It grants nothing: the visitor can choose it, and the address returned
// to is decided on again.

// The values of asked_by: what demands a sign-in.
const (
	askedByPage     = "page"     // a protected path
	askedByOptional = "optional" // an optional path
	askedByApp      = "app"      // the app, by X-Wechat-Require or by client.js
)

// answerPage carries out a verdict about the address of r, but for Pass.
func (g *Gate) answerPage(w http.ResponseWriter, r *site.Request, v Verdict, askedBy string) {
	d := danceFor(r)
	if !g.Rules.KeepFragment || v == Refuse || v == RefuseWrite || !request.IsNavigation(r.Request) || d.target != r.Original.RequestURI() {
		g.answer(w, r, v, d)
		return
	}
	if askedBy == askedByPage && d.optional {
		askedBy = askedByOptional
	}
	// return_to is the last parameter: the script appends the fragment to it.
	next := request.Prefix + "login?" + url.Values{"asked_by": {askedBy}, "scope": {string(d.need)}}.Encode() + "&return_to=" + url.QueryEscape(d.target)
	page.Fragment{Site: site.HostName(r.Origin), Next: next, Room: request.MaxTarget - len(d.target)}.Write(w, r.Request)
}

// askedBy returns what demands the sign-in at the login endpoint; "" if the
// visitor asks for it.
func askedBy(r *site.Request) string {
	switch by := r.Original.Query().Get("asked_by"); by {
	case askedByPage, askedByOptional, askedByApp:
		return by
	default:
		return ""
	}
}

// resume decides at the login endpoint as the gate would have decided at
// target. Unlike a visitor who asks, one who is asked for consent gets our page
// first.
func (g *Gate) resume(w http.ResponseWriter, r *site.Request, askedBy, target string, need wechat.Scope) {
	r.Access, r.Need = site.Protected, need
	if askedBy == askedByOptional {
		r.Access = site.Optional
	}
	facts := g.facts(r)
	if askedBy == askedByApp {
		facts.Standing = g.standingForLogin(r, need)
		facts = facts.signInRequested()
	}
	verdict := Decide(facts)
	if verdict == Pass {
		site.ReturnTo(w, r, target) // signed in meanwhile, in another tab perhaps
		return
	}
	g.answer(w, r, verdict, newDance{target: target, scope: wechat.ScopeBase, optional: r.Access == site.Optional, need: need})
}

// shorten returns a shorter address to come back to: without the fragment, or
// else the front page.
func (g *Gate) shorten(target string) string {
	shorter, dropped := request.ShorterTarget(target)
	if dropped > 0 {
		g.logLostFragment(dropped)
	}
	return shorter
}

// maxLengthDigits bounds the length that a browser reports.
const maxLengthDigits = 9

// noteLost logs that the fragment of a sign-in is too long: the small page has
// dropped it and reports its length, or returnTo has to be cut.
func (g *Gate) noteLost(r *site.Request, returnTo string) {
	if _, fragment, _ := strings.Cut(returnTo, "#"); len(returnTo) > request.MaxTarget && fragment != "" {
		g.logLostFragment(len(fragment))
		return
	}
	reported := r.Original.Query().Get("fragment_length")
	if reported == "" || len(reported) > maxLengthDigits {
		return
	}
	if length, err := strconv.ParseUint(reported, 10, 32); err == nil {
		g.logLostFragment(int(length))
	}
}

// logLostFragment never logs the fragment itself, which may hold a secret.
func (g *Gate) logLostFragment(length int) {
	g.Logger.Debug("the fragment of the address is too long to be kept", slog.Int("length", length))
}
