package ledger

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fullWidth is how far the full-width forms of ASCII stand from ASCII.
const fullWidth = 0xFEE0

// FoldNickname returns the form of a nickname in which it is searched. Upper
// and lower case are equal (Unicode's simple case folding, in every script that
// has cases), and so are the full-width letters, digits, signs and blanks of
// Chinese keyboards and their ASCII forms. Everything else counts: accents,
// emoji, blanks, and traditional and simplified characters.
func FoldNickname(s string) string { return strings.Map(foldRune, s) }

// foldRune returns one rune for all that are equal to r.
func foldRune(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		r -= fullWidth
	case r == 0x3000:
		r = ' '
	}
	if r < 'A' {
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// NicknamePrefix returns the beginning of the index entries that a search
// finds, or ErrInvalid. No error text repeats the search.
func NicknamePrefix(prefix string) (string, error) {
	bad := strings.ContainsFunc(prefix, unicode.IsControl) // NUL would end a nickname in the index
	if prefix == "" || len(prefix) > maxNickname || !utf8.ValidString(prefix) || bad {
		return "", fmt.Errorf("%w: the beginning of a nickname has 1 to %d bytes of UTF-8 without control characters", ErrInvalid, maxNickname)
	}
	return FoldNickname(prefix), nil
}
