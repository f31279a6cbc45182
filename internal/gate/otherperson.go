package gate

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// asksFirst shows a page, and returns true, where a link would take the browser
// from the person who is signed in to another one, and the browser does not say
// where the link was (attack: in old kernels, a link signs its reader in as the
// attacker, who then reads what was entered). The button of the page posts to
// confirm; the link goes on to target, as who is signed in.
func (g *Gate) asksFirst(w http.ResponseWriter, r *Request, person, confirm, target string) bool {
	switch from := r.Header.Get("Sec-Fetch-Site"); {
	case r.Method == http.MethodPost, from == "none", from == "same-origin":
		return false
	}
	if err := g.identify(r); err != nil {
		// Unavailable is not absent: who is signed in is not known.
		g.unavailable(w, r, retryStore, flow.Flow{Target: target, Scope: wechat.ScopeBase}, err)
		return true
	}
	if r.id == nil || r.id.Guest() || r.id.person.Is(person) {
		return false
	}
	g.show(w, r, page.Page{Kind: page.OtherPerson, ConfirmURL: confirm, ContinueURL: loginPath(target, wechat.ScopeBase)},
		"other_person", "This link signs you in as another person. Open it in the browser.")
	return true
}

// clickedHere admits the answer to asksFirst. Kernels that say nothing of Sec-Fetch
// send an Origin or a Referer with it: what has neither is no click on our page.
func (g *Gate) clickedHere(w http.ResponseWriter, r *Request) bool {
	if !g.postedHere(w, r) {
		return false
	}
	if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" || strings.HasPrefix(r.Header.Get("Referer"), r.origin+"/") {
		return true
	}
	response.WriteError(w, http.StatusForbidden, "cross_site", "This must be sent from a page of this site.")
	return false
}

// scanAsksFirst is asksFirst for the person whose phone has answered.
func (g *Gate) scanAsksFirst(w http.ResponseWriter, r *Request, answer scan.Answer, target string) bool {
	ctx, cancel := g.storeContext(r)
	defer cancel()
	phone, err := g.Hub.Store.Load(ctx, answer.Value, session.Binding{Site: r.origin, AppID: answer.AppID, Audience: session.Cookie})
	switch {
	case errors.Is(err, session.ErrNone):
		return false // nobody is signed in by it
	case err != nil:
		g.scanUnavailable(w, r, err)
		return true
	}
	return g.asksFirst(w, r, phone.Person, r.Original.RequestURI(), target)
}
