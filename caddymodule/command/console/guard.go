package console

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// maxBody bounds a form, in bytes.
const maxBody = 16 << 10

// setHeaders sets the headers of every answer.
func setHeaders(h http.Header) {
	// Attacks: scripts and pictures that text of a visitor brings in, forms
	// that send elsewhere, frames around the buttons.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // personal data stay out of the browser's cache
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// refusal is an answer to what no page of the console sends. Its text is short
// and plain: it is for the author of a program, or for an attacker.
type refusal struct {
	status int
	text   string
}

// refused looks at a request before anything else is done. nil lets it pass.
func (c *Console) refused(r *http.Request) *refusal {
	switch {
	case !slices.Contains(c.hosts, strings.ToLower(r.Host)):
		// Attack: DNS rebinding gives the name of another site our address.
		return &refusal{http.StatusMisdirectedRequest, "The console does not answer under this name. Use the address that it printed."}
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		return &refusal{http.StatusMethodNotAllowed, "The console knows GET and POST."}
	case r.Method == http.MethodPost && !c.fromConsole(r):
		return &refusal{http.StatusForbidden, "This form comes from another site."}
	case r.Method == http.MethodPost && !isForm(r):
		return &refusal{http.StatusUnsupportedMediaType, "This is not a form."}
	}
	return nil
}

// fromConsole reports whether a page of the console has sent this form. With
// our Referrer-Policy browsers send "Origin: null"; Sec-Fetch-Site says then
// where the form comes from. Another port of this host is "same-site", and not
// the console.
func (c *Console) fromConsole(r *http.Request) bool {
	origin, site := r.Header.Values("Origin"), r.Header.Values("Sec-Fetch-Site")
	if len(origin) > 1 || len(site) > 1 {
		return false
	}
	ours := len(origin) == 1 && slices.Contains(c.hosts, strings.TrimPrefix(origin[0], "http://")) && strings.HasPrefix(origin[0], "http://")
	if len(site) == 0 {
		return ours // a browser without Sec-Fetch-Site must name its origin
	}
	return site[0] == "same-origin" && (len(origin) == 0 || origin[0] == "null" || ours)
}

// foreign reports whether another site leads to, or includes, what r asks for.
func foreign(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Sec-Fetch-Site"), func(site string) bool { return site != "same-origin" && site != "none" })
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}
