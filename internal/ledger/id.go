package ledger

import (
	"crypto/rand"
	"encoding/base32"
)

const idLength = 26 // 16 bytes, 5 bits a character

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID draws a person's id. It is random and derived from nothing: an id made from an openid or a nickname would let
// whoever controls those choose whose record they get.
func newID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	return idEncoding.EncodeToString(raw[:])
}

// validID reports whether s has the form of a person's id.
func validID(s string) bool {
	if len(s) != idLength {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// rawID returns the 16 bytes of an id.
func rawID(id string) (raw [16]byte, err error) {
	if !validID(id) {
		return raw, corrupt("an id cannot be decoded")
	}
	if _, err := idEncoding.Decode(raw[:], []byte(id)); err != nil {
		return raw, corrupt("an id cannot be decoded")
	}
	return raw, nil
}
