package gate

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// scanBack is the query of a code's address when a phone comes back from
// WeChat. A phone that then has no proof gets a page, not another redirect.
const scanBack = "back"

// codeOf returns the scan code that a sign-in is made for, if it is still
// valid. Such a sign-in always asks WeChat, even if there is a session.
func (g *Gate) codeOf(r *site.Request, f flow.Flow) (c scan.Code, fresh bool) {
	if f.Account != "" || !request.IsScanPath(f.Target) {
		return scan.Code{}, false // a sign-in by WeChat's QR page does not prove a phone
	}
	c, err := scan.OpenCode(g.Hub.Keys, g.Sealer(r).Bound, strings.TrimPrefix(f.Target, request.ScanPath))
	return c, err == nil && !c.Expired()
}

// proveScan sets the cookie that proves that a session was made for a code.
func (g *Gate) proveScan(w http.ResponseWriter, r *site.Request, c scan.Code, address string, id session.ID) error {
	proof := c.Proof(id)
	sealed, err := proof.Seal(g.Hub.Keys, g.Sealer(r).Bound)
	if err != nil {
		return err
	}
	cookies.Proof.SetAt(w, r.CookieScope, address, sealed)
	return nil
}

// provedScan reports whether the session of r was made for this code.
func (g *Gate) provedScan(r *site.Request, c scan.Code) bool {
	if r.Identity == nil || r.Identity.Guest() {
		return false
	}
	for _, sealed := range cookies.Proof.Values(r.Request, r.CookieScope) {
		if p, ok := scan.OpenProof(g.Hub.Keys, g.Sealer(r).Bound, sealed); ok && p.Proves(c, r.Identity.Session.ID) {
			return true
		}
	}
	return false
}
