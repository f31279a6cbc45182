package cookies

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// Cookie is one of our cookies beside the session's. All are in sideCookies,
// and nowhere else is a name made: whatever must know all of them, such as
// [Strip], forgets none.
type Cookie uint8

// The cookies. Each has a form in the table below.
const (
	Landed        Cookie = iota // how often the browser came back from WeChat
	Flow                        // ties a sign-in to its browser
	Asked                       // how often the app asked again after a decline
	Receipt                     // a logout to be completed
	FormerReceipt               // the same, as it was named when only our endpoints got it
	Ticket                      // ties the two hops of a ticket
	Scan                        // the browser that shows a code
	Foreign                     // how often no key here opened what the browser brought
	browser                     // a secret of the browser, of which there may be several
	Proof                       // the session that was made to confirm a code
	cookieCount
)

// cookieForm is how a cookie is named, where it is sent, and for how long.
type cookieForm struct {
	base   string // the name, without a prefix and a port
	prefix string // before the name on https
	path   string // "": each cookie has its own
	life   time.Duration
	many   bool // each name goes on with an id: see idOf
}

// The prefixes by which browsers hold cookies to rules. A sibling host cannot
// plant a __Host- cookie; it takes the path /.
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

var sideCookies = [cookieCount]cookieForm{
	Landed:        {base: "wechat-landed", prefix: hostPrefix, path: "/", life: LandingLife},
	Flow:          {base: "wechat-flow", prefix: securePrefix, life: FlowLife},
	Asked:         {base: "wechat-asked", prefix: hostPrefix, path: "/", life: DeclineLife},
	Receipt:       {base: "wechat-leave", prefix: hostPrefix, path: "/", life: ReceiptLife},
	FormerReceipt: {base: "wechat-logout", prefix: securePrefix, path: request.Prefix, life: ReceiptLife},
	Ticket:        {base: "wechat-ticket", prefix: securePrefix, life: TicketLife},
	Scan:          {base: "wechat-scan", prefix: securePrefix, life: ScanLife + ScanGrace},
	Foreign:       {base: "wechat-foreign", prefix: hostPrefix, path: "/", life: foreignLife},
	browser:       {base: "wechat-browser", prefix: hostPrefix, path: "/", life: FlowLife, many: true},
	Proof:         {base: "wechat-proof", prefix: securePrefix, life: ScanLife},
}

const (
	// maxCookieValues is how many cookies of one name are looked at: as many as of
	// the session's, and for the same reason.
	maxCookieValues = 32
	// maxCookieValue bounds the value of a cookie, in bytes.
	maxCookieValue = 4096
)

// Name is the cookie's full name on a site.
func (c Cookie) Name(s Scope) string { return c.named(s, "") }

// named is Name for one of many, by its id.
func (c Cookie) named(s Scope, id string) string {
	name := sideCookies[c].base
	if s.Secure {
		name = sideCookies[c].prefix + name
	}
	if id != "" {
		name += "-" + id
	}
	if s.Port != "" {
		name += "-" + s.Port
	}
	return name
}

// Set gives the browser the cookie, in place of one that was set before.
func (c Cookie) Set(w http.ResponseWriter, s Scope, value string) {
	c.put(w, s, "", sideCookies[c].path, value, sideCookies[c].life)
}

// SetAt is Set for a cookie that is sent to one path only, so that those beside
// each other do not disturb each other, and other requests do not grow.
func (c Cookie) SetAt(w http.ResponseWriter, s Scope, path, value string) {
	c.put(w, s, "", path, value, sideCookies[c].life)
}

// setFor is Set with another life.
func (c Cookie) setFor(w http.ResponseWriter, s Scope, value string, life time.Duration) {
	c.put(w, s, "", sideCookies[c].path, value, life)
}

// Clear takes the cookie back.
func (c Cookie) Clear(w http.ResponseWriter, s Scope) {
	c.put(w, s, "", sideCookies[c].path, "", -time.Second)
}

// ClearAt is Clear for one that was set by SetAt.
func (c Cookie) ClearAt(w http.ResponseWriter, s Scope, path string) {
	c.put(w, s, "", path, "", -time.Second)
}

// setNamed is Set for one of many.
func (c Cookie) setNamed(w http.ResponseWriter, s Scope, id, value string) {
	c.put(w, s, id, sideCookies[c].path, value, sideCookies[c].life)
}

// clearNamed is Clear for one of many.
func (c Cookie) clearNamed(w http.ResponseWriter, s Scope, id string) {
	c.put(w, s, id, sideCookies[c].path, "", -time.Second)
}

// put writes the Set-Cookie line. Lax: WeChat returns by a top-level GET of its
// own site, with which Strict cookies do not come.
func (c Cookie) put(w http.ResponseWriter, s Scope, id, path, value string, life time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever the site is https
		Name: c.named(s, id), Value: value, Path: path, MaxAge: int(life.Seconds()),
		Secure: s.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	// Two lines of one name: which one wins is the browser's choice. One only.
	lines := slices.DeleteFunc(w.Header()["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, cookie.Name+"=")
	})
	if len(lines) < len(w.Header()["Set-Cookie"]) {
		w.Header()["Set-Cookie"] = lines
	}
	http.SetCookie(w, cookie)
}

// cookiesOf are the cookies of a request in the order sent, those that can be ours.
func cookiesOf(r *http.Request) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, line := range r.Header["Cookie"] {
			// Quick for those who are signed in: they have none of these.
			for more := strings.Contains(line, "wechat-"); more; {
				var pair string
				pair, line, more = strings.Cut(line, ";")
				name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
				if len(value) <= maxCookieValue && !yield(strings.TrimSpace(name), strings.TrimSpace(value)) {
					return
				}
			}
		}
	}
}

// Values are the values of the cookie that a request has, in the order sent, the
// first few. Several appear when somebody planted one.
func (c Cookie) Values(r *http.Request, s Scope) (values []string) {
	for name, value := range cookiesOf(r) {
		if !c.is(name, s) {
			continue
		}
		if values = append(values, value); len(values) == maxCookieValues {
			break
		}
	}
	return values
}

// is reports whether a name is exactly what Name returns. It allocates nothing.
func (c Cookie) is(name string, s Scope) bool {
	rest, ours := c.cut(name, s)
	return ours && rest == ""
}

// idOf reads the id out of the name of one of many.
func (c Cookie) idOf(name string, s Scope) (id string, ours bool) {
	id, ours = c.cut(name, s)
	if !ours || len(id) < 1 || id[0] != '-' || !isSecretID(id[1:]) {
		return "", false
	}
	return id[1:], true
}

// cut takes everything of a name that all of a kind have in common on a site.
func (c Cookie) cut(name string, s Scope) (rest string, ours bool) {
	if s.Secure {
		if name, ours = strings.CutPrefix(name, sideCookies[c].prefix); !ours {
			return "", false
		}
	}
	if rest, ours = strings.CutPrefix(name, sideCookies[c].base); !ours || s.Port == "" {
		return rest, ours
	}
	if rest, ours = strings.CutSuffix(rest, s.Port); !ours {
		return "", false
	}
	return strings.CutSuffix(rest, "-")
}

// isSecretID reports whether a text is what [DrawSecret] puts behind a name.
func isSecretID(s string) bool {
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return len(s) == secretIDLength
}

// Ours reports whether a name is that of a cookie of ours, in any form: with
// a browser prefix or without, of any port.
func Ours(name string) bool {
	if !strings.Contains(name, "wechat") {
		return false // the quick way out for an app's own
	}
	if (session.SessionCookie{}).Owns(name) {
		return true
	}
	for _, form := range sideCookies {
		if form.many {
			if isOneOfMany(name, form.base) {
				return true
			}
		} else if session.CookieNamed(name, form.base) {
			return true
		}
	}
	return false
}

// isOneOfMany reports whether a name is a base and an id, in any form.
func isOneOfMany(name, base string) bool {
	_, rest, found := strings.Cut(name, base+"-")
	if !found || len(rest) < secretIDLength || !isSecretID(rest[:secretIDLength]) {
		return false
	}
	return session.CookieNamed(name, base+"-"+rest[:secretIDLength])
}
