package session

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// baseName is the name of the cookie on http, hostName the one on https.
	baseName = "wechat"
	hostName = hostPrefix + baseName

	// hostPrefix makes browsers refuse the cookie from any other host, a
	// sibling or parent domain included, and from plain http: no other site can
	// plant one.
	hostPrefix = "__Host-"

	// securePrefix is the other cookie prefix that browsers enforce.
	securePrefix = "__Secure-"

	maxPort = 5 // digits
	// maxValues is how many cookies of our name are looked at. On plain http a
	// sibling host can plant others, which come first if their path is longer
	// (attack: junk in front of the session signs its visitor out).
	maxValues = 32

	// maxAgeLimit is the limit to which browsers cut the age in any case.
	maxAgeLimit = 400 * 24 * time.Hour
)

// SessionCookie is the session cookie: how it is named, set, read and removed.
type SessionCookie struct { //nolint:revive // Cookie alone is an Audience
	// Port is the port of the site if it is neither 443 nor 80; empty
	// otherwise. The name of the cookie ends in it, as in __Host-wechat-8443:
	// browsers send the cookies of all ports of a host to each of its sites,
	// and keep only one cookie of a name, so two sites on one host would sign
	// each other's visitors out.
	Port string
}

// Name returns the full name of the cookie: __Host-wechat on https, wechat on
// http, followed by the port if there is one.
func (j SessionCookie) Name(secure bool) string {
	name := baseName
	if secure {
		name = hostName
	}
	if j.Port != "" {
		name += "-" + j.Port
	}
	return name
}

// Set adds the cookie to a response, in place of one that was set before.
// maxAge counts from when the browser receives it, so the browser's clock does
// not matter; it is cut to 400 days. Zero or less means until the browser is
// closed. A value that no Store returns (empty, too long, characters other than
// A-Z a-z 0-9 - _) is not set: the old cookie stays.
func (j SessionCookie) Set(w http.ResponseWriter, value string, secure bool, maxAge time.Duration) {
	if value == "" || len(value) > MaxValue || !safeText(value) {
		return // prevents header injection
	}
	age := ""
	if maxAge > 0 {
		// Rounded up: a fraction of a second must not become Max-Age=0, which
		// deletes the cookie.
		seconds := (min(maxAge, maxAgeLimit) + time.Second - 1) / time.Second
		age = "; Max-Age=" + strconv.FormatInt(int64(seconds), 10)
	}
	j.put(w, value, age, secure)
}

// Clear makes the browser forget the cookie, whether or not it sent one.
func (j SessionCookie) Clear(w http.ResponseWriter, secure bool) {
	j.put(w, "", "; Max-Age=0", secure)
}

// put writes the Set-Cookie line. HttpOnly keeps scripts away from the session.
// SameSite=Lax keeps it out of requests that other sites make, but sends it
// when WeChat redirects the browser back to us.
func (j SessionCookie) put(w http.ResponseWriter, value, age string, secure bool) {
	line := j.Name(secure) + "=" + value + "; Path=/" + age + "; HttpOnly; SameSite=Lax"
	if secure {
		line += "; Secure"
	}
	// Ours only: of two lines with one name the browser chooses which one
	// counts.
	ours, _, _ := strings.Cut(line, "=")
	ours += "="
	lines := slices.DeleteFunc(w.Header()["Set-Cookie"], func(s string) bool {
		return strings.HasPrefix(s, ours)
	})
	w.Header()["Set-Cookie"] = append(lines, line)
}
