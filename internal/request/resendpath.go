package request

import "strings"

// ResendPath is the page that sends a form again after a sign-in; a sealed
// ticket follows.
const ResendPath = Prefix + "resend/"

// MaxResendText bounds the sealed ticket, in bytes. Today's have about 250.
const MaxResendText = 768

// IsResendPath reports whether a target is such a page.
func IsResendPath(target string) bool { return isSealedPath(target, ResendPath, MaxResendText) }

// IsOwnPage reports whether a target is one of the two pages of ours to which a
// sign-in may lead: a GET of them changes nothing.
func IsOwnPage(target string) bool { return IsScanPath(target) || IsResendPath(target) }

// isSealedPath reports whether a target is a prefix and a sealed text.
func isSealedPath(target, prefix string, limit int) bool {
	sealed, ok := strings.CutPrefix(target, prefix)
	if !ok || len(sealed) == 0 || len(sealed) > limit {
		return false
	}
	return !strings.ContainsFunc(sealed, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
