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

// Cookie is one of our cookies other than the session's. All are in
// sideCookies, the only place that makes their names, so that code for all of
// them, such as [Strip], misses none.
type Cookie uint8

// The cookies. Each has a form in sideCookies.
const (
	Landings            Cookie = iota // how often the browser came back from WeChat
	Flow                              // ties a sign-in to its browser
	Prompts                           // how often the app had the visitor asked again after a decline
	PendingLogout                     // a logout to be completed
	FormerPendingLogout               // the former name of PendingLogout, when only our endpoints got it
	Ticket                            // ties the two hops of a ticket
	Scan                              // ties a code to the browser that shows it
	Unreadable                        // how often no key here opened the browser's values
	browser                           // a secret of the browser, of which there may be several
	Proof                             // proves that the session was made to confirm a code
	cookieCount
)

// cookieForm holds how a cookie is named, where it is sent, and for how long.
type cookieForm struct {
	base   string // the name, without a prefix and a port
	prefix string // before the name on https
	path   string // "" if each cookie has its own
	life   time.Duration
	many   bool // each name ends with an id: see idOf
}

// The prefixes for which browsers enforce rules. A sibling host cannot plant a
// __Host- cookie; such a cookie must have the path /.
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

var sideCookies = [cookieCount]cookieForm{
	Landings:            {base: "wechat-landed", prefix: hostPrefix, path: "/", life: LandingLife},
	Flow:                {base: "wechat-flow", prefix: securePrefix, life: FlowLife},
	Prompts:             {base: "wechat-asked", prefix: hostPrefix, path: "/", life: DeclineLife},
	PendingLogout:       {base: "wechat-leave", prefix: hostPrefix, path: "/", life: PendingLogoutLife},
	FormerPendingLogout: {base: "wechat-logout", prefix: securePrefix, path: request.Prefix, life: PendingLogoutLife},
	Ticket:              {base: "wechat-ticket", prefix: securePrefix, life: TicketLife},
	Scan:                {base: "wechat-scan", prefix: securePrefix, life: ScanLife + ScanGrace},
	Unreadable:          {base: "wechat-foreign", prefix: hostPrefix, path: "/", life: foreignLife},
	browser:             {base: "wechat-browser", prefix: hostPrefix, path: "/", life: FlowLife, many: true},
	Proof:               {base: "wechat-proof", prefix: securePrefix, life: ScanLife},
}

const (
	// maxCookieValues is how many cookies of one name are read: as many as of
	// the session's, for the same reason.
	maxCookieValues = 32
	// maxCookieValue bounds the value of a cookie, in bytes.
	maxCookieValue = 4096
)

// Name returns the cookie's full name on a site.
func (c Cookie) Name(s Scope) string { return c.named(s, "") }

// named is Name for a cookie with an id.
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

// Set gives the browser the cookie and replaces an earlier one.
func (c Cookie) Set(w http.ResponseWriter, s Scope, value string) {
	c.put(w, s, "", sideCookies[c].path, value, sideCookies[c].life)
}

// SetAt is Set for a cookie that is sent to one path only, so that parallel
// cookies do not replace each other, and other requests do not grow.
func (c Cookie) SetAt(w http.ResponseWriter, s Scope, path, value string) {
	c.put(w, s, "", path, value, sideCookies[c].life)
}

// setFor is Set with another lifetime.
func (c Cookie) setFor(w http.ResponseWriter, s Scope, value string, life time.Duration) {
	c.put(w, s, "", sideCookies[c].path, value, life)
}

// Clear removes the cookie from the browser.
func (c Cookie) Clear(w http.ResponseWriter, s Scope) {
	c.put(w, s, "", sideCookies[c].path, "", -time.Second)
}

// ClearAt is Clear for a cookie that was set by SetAt.
func (c Cookie) ClearAt(w http.ResponseWriter, s Scope, path string) {
	c.put(w, s, "", path, "", -time.Second)
}

// setNamed is Set for a cookie with an id.
func (c Cookie) setNamed(w http.ResponseWriter, s Scope, id, value string) {
	c.put(w, s, id, sideCookies[c].path, value, sideCookies[c].life)
}

// clearNamed is Clear for a cookie with an id.
func (c Cookie) clearNamed(w http.ResponseWriter, s Scope, id string) {
	c.put(w, s, id, sideCookies[c].path, "", -time.Second)
}

// put writes the Set-Cookie line. It uses Lax, because WeChat redirects back
// with a top-level cross-site GET, for which browsers send no Strict cookies.
func (c Cookie) put(w http.ResponseWriter, s Scope, id, path, value string, life time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever the site is https
		Name: c.named(s, id), Value: value, Path: path, MaxAge: int(life.Seconds()),
		Secure: s.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	// Of two lines with one name the browser chooses one, so write only one.
	lines := slices.DeleteFunc(w.Header()["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, cookie.Name+"=")
	})
	if len(lines) < len(w.Header()["Set-Cookie"]) {
		w.Header()["Set-Cookie"] = lines
	}
	http.SetCookie(w, cookie)
}

// cookiesOf returns the cookies of a request that can be ours, in the order
// sent.
func cookiesOf(r *http.Request) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, line := range r.Header["Cookie"] {
			// The common case is quick: signed-in visitors usually have none of
			// these.
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

// Values returns the first few values of the cookie in a request, in the order
// sent. There are several if an attacker planted one.
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

// is reports whether a name equals Name(s). It allocates nothing.
func (c Cookie) is(name string, s Scope) bool {
	rest, ours := c.cut(name, s)
	return ours && rest == ""
}

// idOf reads the id from the name of a cookie with an id.
func (c Cookie) idOf(name string, s Scope) (id string, ours bool) {
	id, ours = c.cut(name, s)
	if !ours || len(id) < 1 || id[0] != '-' || !isSecretID(id[1:]) {
		return "", false
	}
	return id[1:], true
}

// cut removes from a name the part that is the same for all cookies of this
// kind on a site.
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

// isSecretID reports whether a text can be an id of [DrawSecret].
func isSecretID(s string) bool {
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return len(s) == secretIDLength
}

// Ours reports whether a name belongs to a cookie of ours, in any form: with or
// without a browser prefix, of any port.
func Ours(name string) bool {
	if !strings.Contains(name, "wechat") {
		return false // the quick case: a cookie of the app
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

// isOneOfMany reports whether a name is a base with an id, in any form.
func isOneOfMany(name, base string) bool {
	_, rest, found := strings.Cut(name, base+"-")
	if !found || len(rest) < secretIDLength || !isSecretID(rest[:secretIDLength]) {
		return false
	}
	return session.CookieNamed(name, base+"-"+rest[:secretIDLength])
}
