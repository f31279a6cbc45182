package request

import (
	"encoding/hex"
	"fmt"
	"path"
	"strings"
)

// Prefix is the path of the gateway's own endpoints on every site.
const Prefix = "/_wechat/"

// MaxTarget bounds a return target in bytes: it is part of the callback
// address, and WeChat sometimes cuts long ones.
const MaxTarget = 2048

// CleanTarget returns the address on this site to come back to: an absolute
// path with query and fragment, exactly as given. A fragment that makes the
// address longer than MaxTarget is dropped. CleanTarget does not repair an
// address that could lead a browser elsewhere, but returns "/".
//
// Attacks: open redirects through //evil, /\evil, control characters that
// browsers drop, and their encoded forms (GHSA-qqxw-m5fj-f7gv,
// GHSA-j7px-6hwj-hpjg, GHSA-5m6c-jp6f-2vcv, CVE-2022-23527, CVE-2024-21497).
func CleanTarget(raw string) string {
	if IsOwnPage(raw) {
		return raw // the only pages of ours that are valid targets
	}
	if len(raw) > MaxTarget {
		raw, _, _ = strings.Cut(raw, "#")
	}
	if len(raw) > MaxTarget || !sameSitePath(raw) {
		return "/"
	}
	return raw
}

// ShorterTarget returns the next shorter address to come back to, for a target
// that does not fit: the one without its fragment, or else "/". dropped is the
// length of the fragment.
func ShorterTarget(target string) (shorter string, dropped int) {
	if rest, fragment, ok := strings.Cut(target, "#"); ok {
		return rest, len(fragment)
	}
	return "/", 0
}

// ReturnTarget reads return_to of the login endpoint: a path on this site, or
// an absolute address that begins with this site's origin (what a page finds in
// location.href).
func ReturnTarget(raw, origin string) string {
	if rest, ok := strings.CutPrefix(raw, origin); ok && origin != "" {
		if rest == "" {
			return "/"
		}
		raw = rest
	}
	return CleanTarget(raw)
}

// sameSitePath reports whether raw can only be read as a path on this site.
func sameSitePath(raw string) bool {
	if !strings.HasPrefix(raw, "/") || HasControl(raw) {
		return false
	}
	pathPart := raw
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		pathPart = raw[:i]
	}
	// It is checked raw and after up to three rounds of unescaping: a hop
	// between us and the browser may unescape once more than we do.
	for range 4 {
		if strings.Contains(pathPart, `\`) || strings.HasPrefix(pathPart, "//") || HasControl(pathPart) {
			return false
		}
		// Our own endpoints are no targets: they could cause a loop, or a
		// logout by link.
		if clean := path.Clean(pathPart) + "/"; strings.HasPrefix(strings.ToLower(clean), Prefix) {
			return false
		}
		next := UnescapeOnce(pathPart)
		if next == pathPart {
			return true
		}
		pathPart = next
	}
	return false // escaped more often than any legitimate address
}

// UnescapeOnce undoes one round of percent-encoding. Like lenient decoders it
// keeps a % that begins no escape: /50%25 is a legitimate address.
func UnescapeOnce(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				out.WriteByte(b[0])
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// HeaderAddress encodes an address for a Location header: it percent-encodes
// the bytes that browsers encode in both paths and queries. It stays the same
// address.
func HeaderAddress(s string) string {
	return escapeBytes(s, func(c byte) bool {
		return c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>'
	})
}

// ShownAddress encodes an address for display on a page: it also encodes bytes
// that browsers send unchanged although no URL may contain them (RFC 3986).
func ShownAddress(s string) string {
	return escapeBytes(s, func(c byte) bool {
		return c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}", c) >= 0
	})
}

func escapeBytes(s string, bad func(c byte) bool) string {
	var out strings.Builder
	for i := range len(s) {
		if bad(s[i]) {
			fmt.Fprintf(&out, "%%%02X", s[i])
		} else {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// HasControl reports whether s has bytes that end a header line, or that
// browsers remove from addresses before they read them.
func HasControl(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return true
		}
	}
	return false
}
