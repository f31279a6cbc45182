package site

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// AsksFirst shows a page, and returns true, where a link would take the browser
// from the person who is signed in to another one, and the browser does not say
// where the link was (attack: in old kernels, a link signs its reader in as the
// attacker, who then reads what was entered). The button of the page posts to
// confirm; the link goes on to target, as who is signed in.
func (site *Site) AsksFirst(w http.ResponseWriter, r *Request, person, confirm, target string) bool {
	switch from := r.Header.Get("Sec-Fetch-Site"); {
	case r.Method == http.MethodPost, from == "none", from == "same-origin":
		return false
	}
	if err := site.Identify(r); err != nil {
		// Unavailable is not absent: who is signed in is not known.
		site.Unavailable(w, r, RetryStore, flow.Flow{Target: target, Scope: wechat.ScopeBase}, err)
		return true
	}
	if r.Identity == nil || r.Identity.Guest() || r.Identity.Person.Is(person) {
		return false
	}
	site.Show(w, r, page.Page{Kind: page.OtherPerson, ConfirmURL: confirm, ContinueURL: LoginPath(target, wechat.ScopeBase)},
		"other_person", "This link signs you in as another person. Open it in the browser.")
	return true
}

// ClickedHere admits the answer to [Site.AsksFirst]. Kernels that say nothing of Sec-Fetch
// send an Origin or a Referer with it: what has neither is no click on our page.
func (site *Site) ClickedHere(w http.ResponseWriter, r *Request) bool {
	if !site.PostedHere(w, r) {
		return false
	}
	if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" || strings.HasPrefix(r.Header.Get("Referer"), r.Origin+"/") {
		return true
	}
	response.WriteError(w, http.StatusForbidden, "cross_site", "This must be sent from a page of this site.")
	return false
}

// PostedHere admits POSTs from this site's own pages only (attack: CSRF; the
// session cookie is SameSite=Lax besides).
func (site *Site) PostedHere(w http.ResponseWriter, r *Request) bool {
	if r.Method != http.MethodPost {
		response.MethodNotAllowed(w, http.MethodPost)
		return false
	}
	foreign := false
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		foreign = from != "same-origin" && from != "none"
	} else if origin := r.Header.Get("Origin"); origin != "" {
		canonical, ok := request.CanonicalOrigin(origin)
		foreign = !ok || canonical != r.Origin
	}
	if foreign {
		response.WriteError(w, http.StatusForbidden, "cross_site", "This must be sent from a page of this site.")
	}
	return !foreign
}
