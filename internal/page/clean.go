package page

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxSite      = 255  // bytes of a host with its port
	maxLink      = 8192 // bytes of an address or of a return target
	maxReference = 40   // bytes
	maxPlain     = 60   // bytes of the name of a device or a network
	maxDigits    = 6
	maxNumbers   = 4
)

// ownPrefix begins every path that a button may lead to.
const ownPrefix = "/_wechat/"

// cleanSite returns s if it has the form of a host, else "". Bidirectional
// marks could make a host look like another one (attack: spoofing).
func cleanSite(s string) string {
	bad := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-:[]_", r)
	}
	if len(s) > maxSite || !utf8.ValidString(s) || strings.ContainsFunc(s, bad) {
		return ""
	}
	return s
}

// cleanReference returns s if it is a support reference, else "".
func cleanReference(s string) string {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	if len(s) > maxReference || strings.ContainsFunc(s, bad) {
		return ""
	}
	return s
}

// cleanPath returns s if it is a path of this site below /_wechat/, else "": no
// javascript: URL behind a button (attack: XSS), no //host and no /\host
// (attack: open redirect).
func cleanPath(s string) string {
	if !strings.HasPrefix(s, ownPrefix) || len(s) > maxLink || strings.ContainsFunc(s, notInURL) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(u.Path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return ""
	}
	segments := strings.Split(u.Path, "/")
	if slices.Contains(segments, "..") || slices.Contains(segments, ".") { // would leave /_wechat/
		return ""
	}
	return s
}

// cleanAddress returns s if it is an absolute http or https address, else "".
func cleanAddress(s string) string {
	if len(s) > maxLink || strings.ContainsFunc(s, notInURL) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	if u.User != nil { // attack: https://shop.example.com@evil.example/ looks like the shop
		return ""
	}
	return s
}

// frontPage returns the front page of a clean address's site, "" if it is also
// too long for a code.
func frontPage(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if front := u.Scheme + "://" + u.Host + "/"; len(front) <= sturdyQR {
		return front
	}
	return ""
}

// cleanField returns s if it can be the value of a hidden field, else "".
func cleanField(s string) string {
	if len(s) > maxLink || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// cleanPlain returns s if it is the plain name of a browser or a network, else
// "".
func cleanPlain(s string) string {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(" .:·-", r)
	}
	if len(s) > maxPlain || !utf8.ValidString(s) || strings.ContainsFunc(s, bad) {
		return ""
	}
	return s
}

// cleanNumber returns s if it is a short number, else "".
func cleanNumber(s string) string {
	if len(s) > maxDigits || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return ""
	}
	return s
}

// cleanNumbers returns the short numbers of all.
func cleanNumbers(all []string) (clean []string) {
	for _, s := range all {
		if s = cleanNumber(s); s != "" && len(clean) < maxNumbers {
			clean = append(clean, s)
		}
	}
	return clean
}

// notInURL reports whether r is not allowed in a URL (RFC 3986). Browsers
// repair some of these characters in ways that change the URL's target.
func notInURL(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>^`{|}", r)
}
