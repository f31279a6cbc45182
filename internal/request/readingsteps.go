package request

import (
	"strings"
	"unicode/utf8"
)

// readingSteps are what servers do to a path before they select a handler. Each
// takes and returns a path that begins with a slash.
var readingSteps = []func(string) string{
	UnescapeOnce,
	decodeOverlong,
	withSlashes,
	withoutParams,
	withoutCookieless,
	withoutSegmentEnds,
	withParents,
	untilQuery,
	withoutAuthority,
	cleanPath,
}

// withSlashes turns backslashes into slashes, as IIS and browsers do.
func withSlashes(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// withoutParams cuts path parameters, as servlet containers do: /account;v=1/x
// is /account/x.
func withoutParams(p string) string {
	if !strings.Contains(p, ";") {
		return p
	}
	return mapSegments(p, func(segment string) string {
		segment, _, _ = strings.Cut(segment, ";")
		return segment
	})
}

// withoutSegmentEnds cuts what Windows and C programs ignore at the end of a
// segment: dots, spaces and NULs, and the name of an NTFS stream
// (/account::$INDEX_ALLOCATION/x, CVE-2010-2731).
func withoutSegmentEnds(p string) string {
	return mapSegments(p, func(segment string) string {
		segment = withoutStream(segment)
		if name := strings.TrimRight(segment, ". \x00"); name != "" {
			return name
		}
		if dots := blanks.Replace(segment); len(dots) <= 2 {
			return dots
		}
		return ""
	})
}

// withParents reads a segment of any number of dots as two dots.
func withParents(p string) string {
	if !strings.Contains(p, ".") {
		return p
	}
	return mapSegments(p, func(segment string) string {
		if dots := blanks.Replace(withoutStream(segment)); len(dots) > 2 && strings.Trim(dots, ".") == "" {
			return ".."
		}
		return segment
	})
}

var blanks = strings.NewReplacer(" ", "", "\x00", "")

func withoutStream(segment string) string {
	segment, _, _ = strings.Cut(segment, "::")
	segment, _, _ = strings.Cut(segment, ":$")
	return segment
}

// mapSegments replaces each segment of p by f(segment).
func mapSegments(p string, f func(string) string) string {
	var out strings.Builder
	kept := 0 // how much of p is copied
	for begin := 0; begin <= len(p); {
		end := len(p)
		if i := strings.IndexByte(p[begin:], '/'); i >= 0 {
			end = begin + i
		}
		segment := p[begin:end]
		if other := f(segment); other != segment {
			out.WriteString(p[kept:begin])
			out.WriteString(other)
			kept = end
		}
		begin = end + 1
	}
	if kept == 0 {
		return p
	}
	out.WriteString(p[kept:])
	return out.String()
}

// untilQuery cuts the path at a decoded ? or #, as a program does that decodes
// before it splits off the query, and at a NUL, as a C program does.
func untilQuery(p string) string {
	if i := strings.IndexAny(p, "?#\x00"); i >= 0 {
		return p[:i]
	}
	return p
}

// withoutAuthority reads //host/account/x as an address without a scheme, as
// `new URL(request.url, base)` does.
func withoutAuthority(p string) string {
	rest, ok := strings.CutPrefix(p, "//")
	if !ok {
		return p
	}
	_, rest, _ = strings.Cut(rest, "/")
	return "/" + rest
}

// withoutCookieless cuts session ids that ASP.NET keeps in the path:
// /(S(abc))/account/x is /account/x, and so is /(A(1)F(2))/account/x. Text
// directly after the id joins the text before it (CVE-2023-36899).
func withoutCookieless(p string) string {
	for from := 0; ; {
		i := strings.Index(p[from:], "/(")
		if i < 0 {
			break
		}
		if end := cookielessEnd(p, from+i+len("/(")); end > 0 {
			from += i
			p, from = p[:from]+p[end:], max(0, from-1) // two ids may follow each other
		} else {
			from += i + 1
		}
	}
	if !strings.HasPrefix(p, "/") {
		return "/" + p
	}
	return p
}

// cookielessEnd returns the end of the groups X(…)Y(…)) that begin at i; 0 if
// there are none.
func cookielessEnd(p string, i int) int {
	for groups := 0; i < len(p); groups++ {
		if p[i] == ')' && groups > 0 {
			return i + 1
		}
		if c := p[i] | 0x20; c < 'a' || c > 'z' || i+1 == len(p) || p[i+1] != '(' {
			return 0
		}
		length := strings.IndexAny(p[i:], ")/")
		if length < 0 || p[i+length] == '/' {
			return 0
		}
		i += length + 1
	}
	return 0
}

// decodeOverlong decodes UTF-8 with more bytes than needed, as careless
// decoders do: %c0%ae is a dot to them (CVE-2008-2938), and %c1%a1 an a. Other
// bytes stay, because they may be GBK.
func decodeOverlong(p string) string {
	if utf8.ValidString(p) {
		return p
	}
	var out strings.Builder
	for i := 0; i < len(p); {
		r, size := overlongRune(p[i:])
		if size == 0 {
			out.WriteByte(p[i])
			i++
			continue
		}
		out.WriteRune(r)
		i += size
	}
	return out.String()
}

// overlongRune returns the overlong character at the beginning of s and its
// number of bytes; 0 bytes if there is none.
func overlongRune(s string) (rune, int) {
	for _, form := range []struct {
		mask, lead byte
		size       int
		needless   rune // the first character that needs this form
	}{
		{0xe0, 0xc0, 2, 0x80},
		{0xf0, 0xe0, 3, 0x800},
		{0xf8, 0xf0, 4, 0x10000},
		{0xfc, 0xf8, 5, 0x200000},
		{0xfe, 0xfc, 6, 0x4000000}, // before 2003 there were longer forms
	} {
		if s[0]&form.mask != form.lead || len(s) < form.size {
			continue
		}
		r := rune(s[0] &^ form.mask)
		for _, c := range []byte(s[1:form.size]) {
			if c&0xc0 != 0x80 {
				return 0, 0
			}
			r = r<<6 | rune(c&0x3f)
		}
		if r < form.needless {
			return r, form.size
		}
	}
	return 0, 0
}
