package gate

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
)

// keepOut answers a request for the upstream of a visitor who may not enter.
func (g *Gate) keepOut(w http.ResponseWriter, r *site.Request) (id *site.Identity, pass bool) {
	g.Hub.Counts.Decide(site.DecidedNotAllowed)
	g.notAllowed(w, r, danceFor(r).target)
	return nil, false
}

// notAllowed answers a visitor who may not enter: a page, or JSON that a script
// of an admitted origin may read.
func (g *Gate) notAllowed(w http.ResponseWriter, r *site.Request, target string) {
	if !request.IsNavigation(r.Request) {
		g.AllowOrigin(w, r)
		g.logUnkept(r, notAdmitted)
	}
	g.NotAllowed(w, r, target)
}

// checkNotAllowed writes the 403 of a check: a page for a browser's page or form
// if the proxy passes the answer on to the visitor.
func (g *Gate) checkNotAllowed(w http.ResponseWriter, r *site.Request, asked checkQuery) {
	if asked.forVisitor {
		g.NotAllowed(w, r, asked.target)
		return
	}
	site.NotAllowedJSON(w, r)
}
