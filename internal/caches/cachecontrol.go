package caches

import "strings"

// cacheControl is the meaning of all lines of a Cache-Control header, or of one
// with the same syntax (RFC 9111, RFC 9213).
type cacheControl struct {
	private     bool // only the visitor's browser may store the answer
	noStore     bool // no cache may store it
	keepable    bool // shared caches may store it for a time
	revalidated bool // shared caches may store it if they revalidate: no-cache, or max-age=0
	revalidate  bool // shared caches may store it, even for requests with Authorization
	understood  bool // caches that understand the status may ignore no-store
	unclear     bool // it has more than one reading
}

// confined reports whether no shared cache may store the answer.
func (c cacheControl) confined() bool { return c.private || c.noStore && !c.understood }

// shared reports whether shared caches may store the answer, or may read it so.
func (c cacheControl) shared() bool {
	return c.keepable || c.unclear || c.understood || c.revalidate && !c.revalidated
}

// directives are the relevant directives, in lower case. Others are ignored.
var directives = map[string]func(c *cacheControl, argument string, has bool){
	"private": func(c *cacheControl, _ string, has bool) {
		// private="set-cookie" lets caches store the rest; careless ones store
		// all of it.
		c.private, c.keepable = c.private || !has, c.keepable || has
	},
	"no-store": func(c *cacheControl, _ string, has bool) {
		c.noStore, c.unclear = c.noStore || !has, c.unclear || has
	},
	"no-cache": func(c *cacheControl, _ string, has bool) { c.revalidated = c.revalidated || !has },
	"max-age": func(c *cacheControl, argument string, _ bool) {
		if isPositive(argument) {
			c.keepable = true
		} else {
			c.revalidated = true
		}
	},
	"s-maxage": func(c *cacheControl, argument string, _ bool) { c.keepable = c.keepable || isPositive(argument) },

	"public":                 keepable,
	"immutable":              keepable,
	"stale-while-revalidate": keepable,
	"stale-if-error":         keepable,
	"must-revalidate":        func(c *cacheControl, _ string, _ bool) { c.revalidate = true },
	"proxy-revalidate":       func(c *cacheControl, _ string, _ bool) { c.revalidate = true },
	"must-understand":        func(c *cacheControl, _ string, _ bool) { c.understood = true },
}

func keepable(c *cacheControl, _ string, _ bool) { c.keepable = true }

// isPositive reports whether a number of seconds may be positive. A text that
// is not a number may be.
func isPositive(seconds string) bool {
	digits := strings.TrimPrefix(seconds, "-")
	switch {
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return true
	case digits != seconds:
		return false
	default:
		return strings.Trim(digits, "0") != ""
	}
}

// readCacheControl reads the lines of a header.
func readCacheControl(lines []string) (c cacheControl) {
	for _, line := range lines {
		for rest, more := line, true; more; {
			var name, argument string
			var has, ok bool
			name, argument, has, rest, more, ok = nextDirective(rest)
			if !ok {
				c.unclear = true
			}
			if does := directives[strings.ToLower(name)]; does != nil && ok {
				does(&c, argument, has)
			}
		}
	}
	return c
}

// nextDirective cuts the first directive off a line: name, or name=argument,
// where a quoted argument may contain commas (attack: `x="a, private"`, which
// is not private). It is not ok if other programs may read the line
// differently. An empty directive is ok.
func nextDirective(line string) (name, argument string, has bool, rest string, more, ok bool) {
	end := strings.IndexAny(line, ",=")
	if end < 0 || line[end] == ',' {
		name = line
		if end >= 0 {
			name, rest, more = line[:end], line[end+1:], true
		}
		name = trimOWS(name)
		return name, "", false, rest, more, name == "" || isHTTPToken(name)
	}
	name, rest = trimOWS(line[:end]), strings.TrimLeft(line[end+1:], " \t")
	if !strings.HasPrefix(rest, `"`) {
		argument, rest, more = strings.Cut(rest, ",")
		argument = trimOWS(argument)
		return name, argument, true, rest, more, isHTTPToken(name) && isHTTPToken(argument)
	}
	argument, rest, ok = cutQuoted(rest)
	tail, rest, more := strings.Cut(rest, ",")
	return name, argument, true, rest, more, ok && isHTTPToken(name) && trimOWS(tail) == ""
}

// cutQuoted cuts a quoted string off the beginning of a text and returns its
// content. It is not ok without the closing quote.
func cutQuoted(text string) (in, rest string, ok bool) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return out.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}
		out.WriteByte(text[i])
	}
	return "", "", false
}

func trimOWS(s string) string { return strings.Trim(s, " \t") }

// isHTTPToken reports whether s is a token of HTTP (RFC 9110).
func isHTTPToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
