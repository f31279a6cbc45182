package request

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Paths is a list of path patterns: exact (/cart), a prefix (/static/*), a
// suffix below a folder (/theme/*.css), a suffix anywhere (*.do), or with a
// star for one path segment (/shops/*/menu). The zero value matches nothing.
type Paths []string

// maxPattern bounds one pattern in bytes.
const maxPattern = 256

// Validate returns an error for the first pattern that cannot work as written.
func (p Paths) Validate() error {
	for _, pattern := range p {
		switch {
		case len(pattern) > maxPattern:
			return fmt.Errorf("path pattern longer than %d bytes", maxPattern)
		case strings.ContainsRune(pattern, utf8.RuneError): // Caddy's parser writes it in place of such bytes
			return fmt.Errorf("path pattern %q is not UTF-8 (GBK, perhaps); save the file as UTF-8", pattern)
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

// BareSuffix returns the first pattern that is a suffix without a folder before
// it, such as *.css or /*/*.css, and that suffix. Such a pattern may demand a
// session, but must not open paths (attack: PHP runs /admin.php for
// /admin.php/x.css, and a servlet at /orders/* answers /orders/x.css). A lone
// star clearly means everything.
func (p Paths) BareSuffix() (pattern, suffix string, ok bool) {
	for _, pattern := range p {
		if suffix, ok := bareSuffix(pattern); ok {
			return pattern, suffix, true
		}
	}
	return "", "", false
}

// Opens reports whether a pattern that *lets requests through* matches u. Only
// a path that every upstream reads the same way can be opened: one with path
// parameters (/static/..;/admin means /admin to Tomcat), backslashes, double
// escapes or dot segments is never opened, whatever it seems to match (attacks:
// GHSA-7rh7-c77v-6434, GHSA-pxq7-h93f-9jrg). The query is ignored.
func (p Paths) Opens(u *url.URL) bool {
	if len(p) == 0 || !PlainPath(u) {
		return false
	}
	return slices.ContainsFunc(p, func(pattern string) bool { return opensPath(pattern, u.Path) })
}

// InRoot reports whether u's path has only one segment.
func InRoot(u *url.URL) bool { return strings.LastIndexByte(u.Path, '/') == 0 }

// DemandsAny reports whether a pattern that *demands more* matches any reading
// of a path, with or without a slash at the end, in any case. In doubt it
// returns true.
func (p Paths) DemandsAny(r Readings) bool {
	return len(p) > 0 && (r.Doubt || r.Any(p.demandsReading))
}

func (p Paths) demandsReading(reading string) bool {
	reading = foldCase(reading)
	other := OtherSlash(reading)
	for _, pattern := range p {
		pattern = foldCase(pattern)
		if demandsPath(pattern, reading) || demandsPath(pattern, other) {
			return true
		}
	}
	return false
}

// PlainPath reports whether every server reads u's path the same way.
func PlainPath(u *url.URL) bool {
	p := u.Path
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "%;\\?#") || HasControl(p) || strings.Contains(p, "//") ||
		!utf8.ValidString(p) { // %c0%ae is a dot to decoders that accept overlong forms (attack: CVE-2008-2938)
		return false
	}
	if clean := path.Clean(p); clean != p && clean+"/" != p {
		return false
	}
	// Windows may read a segment of dots and spaces as a dot segment: "/x/..
	// /y".
	if strings.Contains(p, "/.") || strings.Contains(p, "/ ") {
		if ends := withoutSegmentEnds(p); cleanPath(ends) != ends {
			return false
		}
	}
	// An escaped slash is one segment to some servers and two to others.
	return !strings.Contains(strings.ToLower(u.EscapedPath()), "%2f")
}
