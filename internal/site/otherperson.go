package site

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// ConfirmOtherPerson shows a page and returns true if a link would replace the
// signed-in person by another one, and the browser does not send where the link
// was (attack: in old kernels, a link signs the visitor in as the attacker, who
// then reads what was entered). The page's button posts to confirm; its link
// leads to target and keeps the current session.
func (site *Site) ConfirmOtherPerson(w http.ResponseWriter, r *Request, person, confirm, target string) bool {
	switch from := r.Header.Get("Sec-Fetch-Site"); {
	case r.Method == http.MethodPost, from == "none", from == "same-origin":
		return false
	}
	if err := site.Identify(r); err != nil {
		// Unavailable is not absent: the signed-in person is unknown.
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

// RequireOwnForm admits the answer to [Site.ConfirmOtherPerson]. Kernels
// without Sec-Fetch headers send an Origin or a Referer with it; a request with
// neither did not come from our page.
func (site *Site) RequireOwnForm(w http.ResponseWriter, r *Request) bool {
	if !site.RequireSameOriginPost(w, r) {
		return false
	}
	if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" || strings.HasPrefix(r.Header.Get("Referer"), r.Origin+"/") {
		return true
	}
	response.WriteError(w, http.StatusForbidden, "cross_site", "This must be sent from a page of this site.")
	return false
}
