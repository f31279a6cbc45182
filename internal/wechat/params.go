package wechat

import (
	"net/url"
	"strings"
)

// param is one name and value of a query.
type param struct{ name, value string }

// encodeParams encodes a query in the given order, which url.Values does not
// keep. Every value is percent-encoded exactly once, a space as %20: a code
// such as "x&appid=other" stays one parameter (attack: parameter injection).
func encodeParams(params []param) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(escape(p.value))
	}
	return b.String()
}

// escape percent-encodes everything but letters, digits and - _ . ~
func escape(value string) string {
	return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}
