package site

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Refusal says why a person may not enter a site. The audit log has it as
// reason. "" means that the person may enter.
type Refusal string

// The refusals. The first that applies counts: a ban and `deny` win over
// `allow`.
const (
	Banned       Refusal = "banned"        // an operator has banned the person
	Denied       Refusal = "denied"        // `deny` names the person
	NotListed    Refusal = "not_listed"    // the site has `allow`, which does not name the person
	NotFollowing Refusal = "not_following" // the site has `allow followers`, and the person is none
)

// IDs is a set of openids, unionids and persons' ids that the operator wrote.
// They are compared byte for byte: WeChat's ids differ in case.
type IDs map[string]struct{}

// name reports whether one of the person's ids is in the set.
func (ids IDs) name(p *ledger.Person) bool {
	if len(ids) == 0 {
		return false
	}
	has := func(id string) bool { _, ok := ids[id]; return ok && id != "" }
	if has(p.ID) || has(p.UnionID) {
		return true
	}
	for _, id := range p.Merged {
		if has(id) {
			return true
		}
	}
	for i := range p.Accounts {
		if has(p.Accounts[i].OpenID) {
			return true
		}
	}
	return false
}

// Refuses returns why a person may enter no site.
func (h *Hub) Refuses(p *ledger.Person) Refusal {
	switch {
	case h.Banned != nil && h.Banned(p):
		return Banned
	case h.Deny.name(p):
		return Denied
	}
	return ""
}

// listed returns why a person may not enter this site, as far as ids tell. If
// it is NotFollowing, an id does not admit the person, but Followers may.
func (site *Site) listed(p *ledger.Person) Refusal {
	switch refusal := site.Hub.Refuses(p); {
	case refusal != "":
		return refusal
	case !site.restricted(), site.Rules.Allow.name(p):
		return ""
	case site.Rules.AllowFollowers:
		return NotFollowing
	}
	return NotListed
}

// restricted reports whether only some persons may enter.
func (site *Site) restricted() bool { return len(site.Rules.Allow) > 0 || site.Rules.AllowFollowers }

// AdmitsGuests reports whether virtual visitors of a 快照页 pass. They have no
// ids, so a site with `allow` admits none.
func (site *Site) AdmitsGuests() bool { return site.Rules.SnapshotGuest && !site.restricted() }

// admit makes an identity that was found the visitor of the request, if the
// person may enter. Otherwise the request has no visitor, and whatever does not
// look at Refused takes it for one without a session: nothing passes by
// mistake.
func (site *Site) admit(r *Request, id *Identity) error {
	refusal, err := site.refusal(r, id)
	switch {
	case err != nil:
		return err
	case refusal != "":
		r.Refused, r.Refusal = id, refusal
	default:
		r.Identity = id
	}
	return nil
}

// IdentifyToEnd is Identify for a request that ends its session: who may not
// enter may still sign out.
func (site *Site) IdentifyToEnd(r *Request) error {
	err := site.Identify(r)
	if r.Identity == nil {
		r.Identity = r.Refused
	}
	return err
}

// MayEnter returns an error of [signin.ErrNotAllowed] if a person who signs in
// may not enter the site, as far as ids tell. Whether a person follows is asked
// when the session is used.
func (site *Site) MayEnter(p *ledger.Person) error {
	if refusal := site.listed(p); refusal != "" && refusal != NotFollowing {
		return signin.NotAllowed(string(refusal))
	}
	return nil
}

// NotAllowed answers 403 to a visitor who may not enter. It never redirects:
// another sign-in would end here again (attack: a banned visitor's browser goes
// back and forth for ever). The page's button leads to target, for a visitor
// who has just been let in.
func (site *Site) NotAllowed(w http.ResponseWriter, r *Request, target string) {
	if r.Refusal == NotFollowing {
		site.AskToFollow(w, r, target, "")
		return
	}
	p := page.Page{Kind: page.NotAllowed, Reference: r.Flow}
	if IsRead(r.Method) {
		p.ContinueURL = LoginPath(target, wechat.ScopeBase)
	}
	if r.Refused != nil {
		p.ConfirmURL = request.Prefix + "logout"
	}
	site.Show(w, r, p, "not_allowed", notAllowed)
}

const notAllowed = "This visitor may not enter this site."

// NotAllowedJSON is NotAllowed for a client without pages.
func NotAllowedJSON(w http.ResponseWriter, r *Request) {
	response.WriteJSON(w, http.StatusForbidden, response.Error{
		Code: http.StatusForbidden, Error: "not_allowed", Message: notAllowed, Follow: r.Refusal == NotFollowing,
	})
}
