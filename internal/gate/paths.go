package gate

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// Paths is a list of path patterns: exact (/cart), a prefix (/static/*), a
// suffix (*.css), or with a star for one path segment (/shops/*/menu).
// The zero value matches nothing.
type Paths []string

// maxPattern bounds one pattern in bytes.
const maxPattern = 256

// Validate reports the first pattern that could not mean what it says.
func (p Paths) Validate() error {
	for _, pattern := range p {
		switch {
		case len(pattern) > maxPattern:
			return fmt.Errorf("path pattern longer than %d bytes", maxPattern)
		case !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*"):
			return fmt.Errorf("path pattern %q must begin with / or *", pattern)
		case strings.ContainsAny(pattern, "?#%;\\{}"):
			return fmt.Errorf("path pattern %q must be a plain path: patterns are compared with the decoded path, without query", pattern)
		}
		if _, err := path.Match(pattern, "/"); err != nil {
			return fmt.Errorf("path pattern %q: %w", pattern, err)
		}
	}
	return nil
}

// Opens reports whether a pattern matches u for the sake of *letting through*.
// Only a path that every upstream reads the same way can be opened: one with
// path parameters (/static/..;/admin means /admin to Tomcat), backslashes,
// second escapes or dot segments is never opened, whatever it seems to match
// (attacks: GHSA-7rh7-c77v-6434, GHSA-pxq7-h93f-9jrg). The query has no say.
func (p Paths) Opens(u *url.URL) bool {
	return len(p) > 0 && PlainPath(u) && p.match(u.Path)
}

// Demands reports whether a pattern matches u for the sake of *asking more*:
// any reading of the path that matches counts, also in another case, as
// servers on Windows read it.
func (p Paths) Demands(u *url.URL) bool {
	if len(p) == 0 {
		return false
	}
	reading := u.Path
	for range 3 {
		slashed := strings.ReplaceAll(reading, `\`, "/")
		for _, candidate := range []string{reading, slashed, withoutParams(reading), withoutParams(slashed)} {
			clean := path.Clean("/" + candidate)
			if p.matchFold(clean) || p.matchFold(clean+"/") {
				return true
			}
		}
		next, err := url.PathUnescape(reading)
		if err != nil || next == reading {
			return false
		}
		reading = next
	}
	return false
}

// PlainPath reports whether every server reads u's path the same way.
func PlainPath(u *url.URL) bool {
	p := u.Path
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "%;\\?#") || hasControl(p) || strings.Contains(p, "//") ||
		!utf8.ValidString(p) { // %c0%ae is a dot to decoders that accept overlong forms (attack: CVE-2008-2938)
		return false
	}
	if clean := path.Clean(p); clean != p && clean+"/" != p {
		return false
	}
	// An escaped slash is one segment to some servers and two to others.
	return !strings.Contains(strings.ToLower(u.EscapedPath()), "%2f")
}

func withoutParams(p string) string {
	segments := strings.Split(p, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

func (p Paths) matchFold(s string) bool {
	s = strings.ToLower(s)
	for _, pattern := range p {
		if matchPath(strings.ToLower(pattern), s) {
			return true
		}
	}
	return false
}

func (p Paths) match(s string) bool {
	for _, pattern := range p {
		if matchPath(pattern, s) {
			return true
		}
	}
	return false
}

func matchPath(pattern, s string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok && !strings.Contains(prefix, "*") {
		return strings.HasPrefix(s, prefix)
	}
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok && !strings.Contains(suffix, "*") {
		return strings.HasSuffix(s, suffix)
	}
	matched, err := path.Match(pattern, s)
	return err == nil && matched
}
