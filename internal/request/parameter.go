package request

import (
	"net/url"
	"slices"
	"strings"
)

// Parameter returns the values of a parameter in the order sent. Like browsers,
// and unlike net/url, it treats ; as part of the value: /a.jsp;jsessionid=1.
func Parameter(rawQuery, name string) (values []string) {
	for part := range strings.SplitSeq(rawQuery, "&") {
		if !isParameter(part, name) {
			continue
		}
		_, raw, _ := strings.Cut(part, "=")
		if value, err := url.QueryUnescape(raw); err == nil {
			values = append(values, value)
		}
	}
	return values
}

// CutAtAmpersand reports whether a parameter contains an address that was not
// percent-encoded and so was cut at its first &: it has a raw ?, and a
// parameter follows that is not among the allowed ones.
func CutAtAmpersand(rawQuery, name string, allowed ...string) bool {
	goesOn := false
	for part := range strings.SplitSeq(rawQuery, "&") {
		switch {
		case part == "":
		case goesOn && !slices.Contains(allowed, part):
			return true
		case isParameter(part, name):
			goesOn = strings.Contains(part, "?")
		}
	}
	return false
}

// isParameter reports whether a part of a query is this parameter.
func isParameter(part, name string) bool {
	raw, _, _ := strings.Cut(part, "=")
	plain, err := url.QueryUnescape(raw)
	return err == nil && plain == name
}
