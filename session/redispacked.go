package session

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// A packed text is its length and form, a uvarint of 2·length+form, and then
// the text: as it is (form 0), or, if it consists of A-Z a-z 0-9 - and _, with
// six bits for each character (form 1). Ids of WeChat, and ours, are such
// texts.

// appendPacked appends a packed text.
func appendPacked(out []byte, text string) []byte {
	n := len(text)
	if !safeText(text) {
		out = binary.AppendUvarint(out, uint64(2*n))
		return append(out, text...)
	}
	out = binary.AppendUvarint(out, uint64(2*n+1))
	bits, _ := base64.RawURLEncoding.DecodeString(text + strings.Repeat("A", -n&3)) // never fails
	return append(out, bits[:sixBits(n)]...)
}

// packed reads a packed text of at most limit characters.
func (d *decoder) packed(limit int) string {
	head := d.second() // in the shortest form
	n := int(head / 2)
	if n > limit {
		d.bad = true
	}
	if head%2 == 0 {
		return string(d.bytes(n))
	}
	bits := d.bytes(sixBits(n))
	if d.bad {
		return ""
	}
	text := base64.RawURLEncoding.EncodeToString(append([]byte(nil), bits...))
	return text[:n]
}

// sixBits returns how many bytes n characters of six bits take.
func sixBits(n int) int { return (6*n + 7) / 8 }
