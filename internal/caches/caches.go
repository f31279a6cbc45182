package caches

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

// KeepFrom takes our cookies out of an answer that shared caches may keep: they
// would hand one visitor's session to others. Where the answer says nothing about
// caches the cookies stay, and it becomes private: visitors of such an app are renewed,
// and no cache has to guess.
func KeepFrom(h http.Header) {
	// Most answers carry no cookie of ours, and this is asked of each.
	if !slices.ContainsFunc(h["Set-Cookie"], setsOurs) {
		return
	}
	if Shared(h, time.Now()) {
		dropOurs(h)
		return
	}
	makePrivate(h)
}

// setsOurs reports whether a line of Set-Cookie sets, or removes, a cookie of ours.
func setsOurs(line string) bool {
	name, _, _ := strings.Cut(line, "=")
	return cookies.Ours(name)
}

func dropOurs(h http.Header) {
	kept := slices.DeleteFunc(slices.Clone(h["Set-Cookie"]), setsOurs)
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

const cacheControlName = "Cache-Control"

// Shared says whether a shared cache may keep an answer, other than by
// guessing.
func Shared(h http.Header, now time.Time) bool {
	var control []string
	for name, lines := range h { // in any case: handlers in front of us may not use Set
		switch {
		case strings.EqualFold(name, cacheControlName):
			control = append(control, lines...)
		case isTargeted(name) && !targetedConfines(name, lines):
			// For the caches that it is for it wins over Cache-Control, whatever
			// that says (attack: `private` beside CDN-Cache-Control: max-age=600).
			return true
		}
	}
	c := readCacheControl(control)
	return !c.confined() && (c.shared() || expiresLater(h, now))
}

// isTargeted reports whether a header tells some caches more than Cache-Control does:
// CDN-Cache-Control and its like (RFC 9213), and those of before.
func isTargeted(name string) bool {
	const suffix = "-Cache-Control"
	if cut := len(name) - len(suffix); cut > 0 && strings.EqualFold(name[cut:], suffix) {
		return true
	}
	return slices.ContainsFunc([]string{"Surrogate-Control", "Edge-Control", accelExpires}, func(other string) bool {
		return strings.EqualFold(name, other)
	})
}

const accelExpires = "X-Accel-Expires"

// targetedConfines reports whether a targeted header keeps the answer out of the
// caches that it is for.
func targetedConfines(name string, lines []string) bool {
	if strings.EqualFold(name, accelExpires) {
		return len(lines) == 1 && trimOWS(lines[0]) == "0"
	}
	c := readCacheControl(lines)
	if c.unclear {
		return false
	}
	// LiteSpeed keeps what is private, one copy for each address; Akamai knows no
	// private, and its !no-store takes a no-store back.
	switch {
	case strings.EqualFold(name, "X-LiteSpeed-Cache-Control"):
		return c.noStore || c.revalidated && !c.keepable
	case strings.EqualFold(name, "Edge-Control"):
		return c.noStore && !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "!") })
	default:
		return c.confined()
	}
}

// Forbid takes back what an app says about caches: no cache keeps the answer.
func Forbid(h http.Header) {
	for name := range h {
		if strings.EqualFold(name, cacheControlName) || strings.EqualFold(name, "Expires") || isTargeted(name) {
			delete(h, name)
		}
	}
	h[cacheControlName] = []string{"no-store"}
}

// makePrivate adds private to what the answer says, in front of it: caches that read
// the rest otherwise than we do have seen it by then.
func makePrivate(h http.Header) {
	lines := h[cacheControlName]
	switch {
	case readCacheControl(lines).private:
	case len(lines) == 0 || trimOWS(lines[0]) == "":
		h[cacheControlName] = append([]string{"private"}, lines[min(1, len(lines)):]...)
	default:
		h[cacheControlName] = append([]string{"private, " + lines[0]}, lines[1:]...)
	}
}
