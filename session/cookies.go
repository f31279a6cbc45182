package session

import (
	"net/http"
	"slices"
	"strings"
)

// Values returns the values of our cookie in the order sent: the first four that
// can be a session's at all, by length and characters. On https only the __Host-
// form counts, on http only the bare one. Several values appear when somebody
// planted a second cookie; the caller takes the first that loads.
func (j Jar) Values(r *http.Request, secure bool) []string {
	return j.AppendValues(nil, r, secure)
}

// AppendValues is Values into the caller's slice, for callers that keep one.
func (j Jar) AppendValues(dst []string, r *http.Request, secure bool) []string {
	found := 0
	for _, line := range r.Header["Cookie"] {
		for more := true; more && found < maxValues; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			name, value, _ := strings.Cut(pair, "=")
			if !j.is(trimSpace(name), secure) {
				continue
			}
			value = trimSpace(value)
			if value != "" && len(value) <= MaxValue && safeText(value) {
				dst = append(dst, value)
				found++
			}
		}
	}
	return dst
}

// Strip removes our cookie, and cookies of the extra names, from the request, so
// that the upstream never holds what signs a visitor in. Both forms of our name
// go, whatever the scheme: a site that moved from http to https still gets the
// bare one, with a live session in it. All other cookies stay as they are, byte
// for byte and in order. Without such a cookie nothing is touched or allocated.
func (j Jar) Strip(r *http.Request, _ bool, extra ...string) {
	lines := r.Header["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return j.find(line, extra) }) {
		return
	}
	// A new slice: the old one may be shared with a copy of the request.
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		if j.find(line, extra) {
			line = j.without(line, extra)
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

// find says whether a Cookie line holds one of ours.
func (j Jar) find(line string, extra []string) bool {
	for more := true; more; {
		var pair string
		pair, line, more = strings.Cut(line, ";")
		if j.ours(pair, extra) {
			return true
		}
	}
	return false
}

// without returns a Cookie line less ours, or "" when no cookie is left.
func (j Jar) without(line string, extra []string) string {
	var out strings.Builder
	out.Grow(len(line))
	for more := true; more; {
		var pair string
		pair, line, more = strings.Cut(line, ";")
		if j.ours(pair, extra) {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(';')
		} else {
			pair = strings.TrimLeft(pair, " \t") // it followed a cookie of ours
		}
		out.WriteString(pair)
	}
	if strings.Trim(out.String(), "; \t") == "" {
		return ""
	}
	return out.String()
}

// ours says whether one piece of a Cookie line is ours, in either form, or one
// of the extra names.
func (j Jar) ours(pair string, extra []string) bool {
	name, _, _ := strings.Cut(pair, "=")
	name = trimSpace(name)
	return j.is(name, false) || j.is(name, true) || slices.Contains(extra, name)
}

// is says whether a name is that of our cookie in one form.
func (j Jar) is(name string, secure bool) bool {
	if secure {
		rest, host := strings.CutPrefix(name, hostPrefix)
		return host && rest == j.base()
	}
	return name == j.base()
}

// trimSpace cuts what may stand around the parts of a cookie: blanks by the
// standard, and whatever some upstream's reader may cut as well.
func trimSpace(s string) string { return strings.Trim(s, " \t\r\n\v\f") }
