package form

import (
	"encoding/json"
	"strings"
	"sync"
)

// windows1252 has the characters of the bytes 0x80 to 0x9F (WHATWG Encoding,
// index windows-1252). Every other byte is the character of the same number.
var windows1252 = [32]rune{
	0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
}

// characters has each byte as its character in windows-1252, as it is written
// into a string of JSON in a page: json.Marshal escapes for HTML. The longest
// one has six bytes.
var characters = sync.OnceValue(func() *[256]string {
	var all [256]string
	for i := range all {
		c := rune(i)
		if c >= 0x80 && c < 0xa0 {
			c = windows1252[c-0x80]
		}
		text, err := json.Marshal(string(c))
		if err != nil {
			panic(err) // never: it is a string
		}
		all[i] = strings.TrimSuffix(strings.TrimPrefix(string(text), `"`), `"`)
	}
	return &all
})

// written returns the length of a string in JSON, without quotation marks.
func written(s string) (size int) {
	all := characters()
	for i := range len(s) {
		size += len(all[s[i]])
	}
	return size
}

// appendWritten appends a string in JSON, with quotation marks.
func appendWritten(out []byte, s string) []byte {
	all := characters()
	out = append(out, '"')
	for i := range len(s) {
		out = append(out, all[s[i]]...)
	}
	return append(out, '"')
}
