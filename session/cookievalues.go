package session

import (
	"net/http"
	"slices"
	"strings"
)

// Values returns the values of our cookie in the order sent: the first 32 that
// can be a session by length and characters. On https only the __Host- form
// counts, on http only the bare form, and only for our port. Several values
// appear when an attacker has planted a second cookie; the caller takes the
// first one that loads.
func (j SessionCookie) Values(r *http.Request, secure bool) (values []string) {
	for _, line := range r.Header["Cookie"] {
		for more := true; more && len(values) < maxValues; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			name, value, _ := strings.Cut(pair, "=")
			if !j.is(trimSpace(name), secure) {
				continue
			}
			value = trimSpace(value)
			if value != "" && len(value) <= MaxValue && safeText(value) {
				values = append(values, value)
			}
		}
	}
	return values
}

// Strip removes our cookie, and cookies of the extra names, from the request,
// so that the upstream never receives a value that signs a visitor in. It
// removes all forms of our name, for every scheme and port: a site that moved
// from http to https still gets the bare form, and a site that shares a host
// with another gets the other's cookie, each with a live session in it. All
// other cookies stay as they are, byte for byte and in order. A request without
// such a cookie is not touched and costs no allocation.
//
//go:noinline
func (j SessionCookie) Strip(r *http.Request, extra ...string) {
	// Not inlined: the caller would have to allocate the extra names.
	StripFunc(r, func(name string) bool { return j.Owns(name) || slices.Contains(extra, name) })
}

// Owns reports whether a name is that of our cookie in any form: with a browser
// prefix or without, on any port.
func (j SessionCookie) Owns(name string) bool { return CookieNamed(name, baseName) }

// CookieNamed reports whether a name is base in any form in which a gateway
// names its cookies: with a browser prefix or without, on any port.
func CookieNamed(name, base string) bool {
	if rest, cut := strings.CutPrefix(name, hostPrefix); cut {
		name = rest
	} else if rest, cut := strings.CutPrefix(name, securePrefix); cut {
		name = rest
	}
	rest, ours := strings.CutPrefix(name, base)
	return ours && (rest == "" || rest[0] == '-' && isPort(rest[1:]))
}

// StripFunc removes the cookies whose name matches ours from a request.
func StripFunc(r *http.Request, ours func(name string) bool) {
	lines, found := r.Header["Cookie"], false
	for _, line := range lines {
		found = found || find(line, ours)
	}
	if !found {
		return
	}
	// A new slice: the old one may be shared with a copy of the request.
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		if find(line, ours) {
			line = without(line, ours)
		}
		if line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(r.Header, "Cookie")
		return
	}
	r.Header["Cookie"] = kept
}

// find reports whether a Cookie line holds a cookie of ours.
func find(line string, ours func(name string) bool) bool {
	for more := true; more; {
		var pair string
		pair, line, more = strings.Cut(line, ";")
		if ours(nameOf(pair)) {
			return true
		}
	}
	return false
}

// without returns a Cookie line without our cookies, or "" when no cookie is
// left.
func without(line string, ours func(name string) bool) string {
	var out strings.Builder
	out.Grow(len(line))
	for more := true; more; {
		var pair string
		pair, line, more = strings.Cut(line, ";")
		if ours(nameOf(pair)) {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(';')
		} else {
			pair = strings.TrimLeft(pair, " \t") // the blank followed a cookie of ours
		}
		out.WriteString(pair)
	}
	if strings.Trim(out.String(), "; \t") == "" {
		return ""
	}
	return out.String()
}

// nameOf returns the name in one piece of a Cookie line.
func nameOf(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return trimSpace(name)
}

// is reports whether a name is exactly the one that Name returns. It does not
// allocate.
func (j SessionCookie) is(name string, secure bool) bool {
	if secure {
		rest, host := strings.CutPrefix(name, hostPrefix)
		if !host {
			return false
		}
		name = rest
	}
	rest, ours := strings.CutPrefix(name, baseName)
	if !ours || j.Port == "" {
		return ours && rest == ""
	}
	return rest != "" && rest[0] == '-' && rest[1:] == j.Port
}

// isPort reports whether s can be the port at the end of a name.
func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= maxPort
}

// trimSpace cuts the space around the parts of a cookie: blanks by the
// standard, and other white space that an upstream's parser may cut too.
func trimSpace(s string) string { return strings.Trim(s, " \t\r\n\v\f") }
