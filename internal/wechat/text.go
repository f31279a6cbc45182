package wechat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PlainText returns text without the characters that plainText removes.
func PlainText(text string) string { return plainText(text, len(text)) }

// plainText removes characters that must not reach a log line or a header from
// a text of WeChat or a visitor, and cuts it to max runes. It removes control
// bytes (raw 0x07 and 0x14 have been seen in nicknames), line separators, marks
// that change the direction of writing (attack: a name that reads as another
// one), byte order marks and broken UTF-8. Emoji and their joiners stay.
func plainText(text string, maxRunes int) string {
	text = strings.TrimSpace(strings.Map(plainRune, text))
	count := 0
	for i := range text {
		if count == maxRunes {
			return strings.TrimSpace(text[:i])
		}
		count++
	}
	return text
}

// plainRune returns r, or -1 for a rune that plainText removes.
func plainRune(r rune) rune {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r),
		r == '\u2028', r == '\u2029', r == '\ufeff',
		'\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return -1
	}
	return r
}
