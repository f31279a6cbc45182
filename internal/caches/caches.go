package caches

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

// KeepFrom removes our cookies from an answer that shared caches may store:
// they would give one visitor's session to others. If the answer says nothing
// about caches, the cookies stay and the answer becomes private: sessions of
// such an app are still renewed, and no cache has to guess.
func KeepFrom(h http.Header) {
	// The quick case: most answers set no cookie of ours.
	if !slices.ContainsFunc(h["Set-Cookie"], setsOurs) {
		return
	}
	if Shared(h, time.Now()) {
		dropOurs(h)
		return
	}
	makePrivate(h)
}

// setsOurs reports whether a line of Set-Cookie sets, or removes, a cookie of
// ours.
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

// Shared reports whether an answer allows a shared cache to store it, apart
// from heuristics.
func Shared(h http.Header, now time.Time) bool {
	var control []string
	for name, lines := range h { // in any case: other handlers may not use Header.Set
		switch {
		case strings.EqualFold(name, cacheControlName):
			control = append(control, lines...)
		case isTargeted(name) && !targetedConfines(name, lines):
			// For its caches it overrides Cache-Control (attack: `private`
			// beside CDN-Cache-Control: max-age=600).
			return true
		}
	}
	c := readCacheControl(control)
	return !c.confined() && (c.shared() || expiresLater(h, now))
}

// isTargeted reports whether a header overrides Cache-Control for some caches:
// CDN-Cache-Control and the like (RFC 9213), and older ones.
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

// targetedConfines reports whether a targeted header keeps the answer out of
// its caches.
func targetedConfines(name string, lines []string) bool {
	if strings.EqualFold(name, accelExpires) {
		return len(lines) == 1 && trimOWS(lines[0]) == "0"
	}
	c := readCacheControl(lines)
	if c.unclear {
		return false
	}
	// LiteSpeed stores private answers, one copy for each address. Akamai does
	// not know private, and its !no-store cancels a no-store.
	switch {
	case strings.EqualFold(name, "X-LiteSpeed-Cache-Control"):
		return c.noStore || c.revalidated && !c.keepable
	case strings.EqualFold(name, "Edge-Control"):
		return c.noStore && !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "!") })
	default:
		return c.confined()
	}
}

// Forbid overrides the app's cache headers so that no cache stores the answer.
func Forbid(h http.Header) {
	for name := range h {
		if strings.EqualFold(name, cacheControlName) || strings.EqualFold(name, "Expires") || isTargeted(name) {
			delete(h, name)
		}
	}
	h[cacheControlName] = []string{"no-store"}
}

// makePrivate puts private in front of the answer's Cache-Control, so that
// caches that read the rest differently have already seen it.
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
