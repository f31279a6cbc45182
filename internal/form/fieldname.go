package form

import (
	"html"
	"strings"
	"unicode/utf8"
)

// readings returns what a name may say, with ASCII characters for full-width
// ones. Browsers send a character that the charset of the form lacks as &#N;.
// A name that is not UTF-8 may be GBK.
func readings(name string) []string {
	if isPlain(name) {
		return []string{name}
	}
	name = html.UnescapeString(name)
	if utf8.ValidString(name) {
		return []string{halfWidth(name)}
	}
	return []string{name, halfWidthGBK(name)}
}

// isPlain reports whether a name has only ASCII characters, and no reference.
func isPlain(name string) bool {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf || name[i] == '&' {
			return false
		}
	}
	return true
}

// halfWidth replaces the full-width characters of a name in UTF-8.
func halfWidth(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= '！' && c <= '～' {
			return c - '！' + '!'
		}
		return c
	}, name)
}

// halfWidthGBK replaces the full-width characters of a name in GBK: 0xA3, and
// the ASCII character with its highest bit set.
func halfWidthGBK(name string) string {
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c < 0x81 || i+1 == len(name):
			out = append(out, c)
		case c == 0xa3 && name[i+1] > 0xa0:
			out = append(out, name[i+1]&0x7f)
			i++
		default:
			out = append(out, c, name[i+1])
			i++
		}
	}
	return string(out)
}

// fold returns a name in lower case without its ASCII punctuation. It leaves
// bytes of other charsets as they are.
func fold(name string) string {
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			out = append(out, c|0x20)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
			out = append(out, c)
		}
	}
	return string(out)
}

// wordsOf splits a name at punctuation, digits and changes from lower to upper
// case: userPass, user.pass and pass2 have the word pass.
func wordsOf(name string) (words []string) {
	word := []byte{}
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			if i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
				end()
			}
			word = append(word, c|0x20)
		case c >= 'a' && c <= 'z':
			word = append(word, c)
		default:
			end()
		}
	}
	end()
	return words
}
