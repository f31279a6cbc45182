package console

import (
	"net/http"
	"strings"
)

// What the page for those who are not signed in says.
const (
	entranceClosed  = "entrance_closed"  // there is no session
	entranceUsed    = "entrance_used"    // the one-time address does not work
	entranceLeft    = "entrance_left"    // the operator has left
	entranceForeign = "entrance_foreign" // another page leads here
)

// enter exchanges the token of a one-time address for a session. Only a GET
// that shows the page to a person does: HEAD and a browser that only prepares a
// page would use the address up.
func (c *Console) enter(w http.ResponseWriter, r *http.Request) {
	prepares := strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") || strings.Contains(r.Header.Get("Purpose"), "prefetch")
	if r.Method != http.MethodGet || prepares {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	values := r.URL.Query()["token"]
	if len(values) != 1 || !c.token.spend(values[0]) {
		c.showEntrance(w, r, entranceUsed)
		return
	}
	c.setCookie(w, cookieName, c.sessions.begin())
	http.Redirect(w, r, c.base+"/", http.StatusSeeOther)
}

// showEntrance tells those who are not signed in how to get an address.
func (c *Console) showEntrance(w http.ResponseWriter, r *http.Request, why string) {
	v := &visit{console: c, w: w, r: r, language: c.languageOf(r)}
	v.show(page{name: "entrance", title: why, status: http.StatusForbidden, data: why})
}

// leave ends the session.
func (v *visit) leave() error {
	v.console.sessions.end(v.session)
	v.console.setCookie(v.w, cookieName, "")
	v.session = nil
	v.show(page{name: "entrance", title: entranceLeft, data: entranceLeft})
	return nil
}
