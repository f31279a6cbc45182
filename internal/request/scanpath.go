package request

import "strings"

// ScanPath is where a phone opens a scanned code: the sealed code follows.
const ScanPath = Prefix + "scan/"

// MaxScanText bounds a sealed code, in bytes: what a code of today has is 160.
const MaxScanText = 512

// IsScanPath reports whether a target is the address in a code: a phone that has to
// sign in first comes back to it.
func IsScanPath(target string) bool {
	sealed, ok := strings.CutPrefix(target, ScanPath)
	if !ok || len(sealed) == 0 || len(sealed) > MaxScanText {
		return false
	}
	return !strings.ContainsFunc(sealed, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
