package gate

import (
	"encoding/json"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
)

// pass lets a request go on to the upstream, with the visitor's assertion. If
// that cannot be signed, it answers 503: a request without an assertion must
// not reach the upstream with an identity.
func (g *Gate) pass(w http.ResponseWriter, r *site.Request) (id *site.Identity, pass bool) {
	if err := g.Assert(r); err != nil {
		g.Hub.Counts.Decide(site.DecidedStoreUnavailable)
		g.AllowOrigin(w, r)
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return nil, false
	}
	r.ForgetForeign(w)
	if r.Identity == nil {
		g.Hub.Counts.Decide(site.DecidedPassAnonymous)
	} else {
		g.Hub.Counts.Decide(site.DecidedPass)
	}
	return r.Identity, true
}

// identifyIn sets the visitor's identity on the answer to another proxy. It
// leaves the avatar out if the header becomes too long: only the avatar's
// address can be long. After an error, no identity is set.
func (g *Gate) identifyIn(h http.Header, r *site.Request) error {
	if err := g.Assert(r); err != nil {
		return err
	}
	r.ApplyIdentity(h)
	if response.HeaderFits(h, "") {
		return nil
	}
	err := g.AssertWithoutAvatar(r)
	r.ApplyIdentity(h)
	h.Del(g.HeaderName(site.FieldAvatar, "X-Wechat-Avatar"))
	if err != nil {
		for _, name := range append(g.HeaderNames(), site.HeaderAssertion) {
			h.Del(name)
		}
	}
	return err
}

// jwksEndpoint lists the public keys of the site's assertions. No cache may
// keep the list: a withdrawn key must be gone from the next one.
func (g *Gate) jwksEndpoint(w http.ResponseWriter, r *site.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	case g.Rules.Assertion == nil:
		response.WriteError(w, http.StatusNotFound, "assertion_off", "This site signs no assertions. To sign them, write `assertion` into wechat_auth.")
		return
	}
	keys, err := g.Hub.Assertions.JWKS(g.Rules.Assertion.Algorithm)
	if err != nil {
		g.UnavailableJSON(w, r, g.Account, site.RetryStore, outage.NotDown(err))
		return
	}
	response.WriteJSON(w, http.StatusOK, json.RawMessage(keys))
}
