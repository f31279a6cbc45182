package ledger

import (
	"crypto/rand"
	"encoding/base32"
)

// IDLength is the length of an id: 16 bytes, 5 bits a character.
const IDLength = 26

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID draws a person's id. It is random and derived from nothing: if ids were
// made from openids or nicknames, an attacker who controls those could choose
// another person's record.
func NewID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	return idEncoding.EncodeToString(raw[:])
}

// Everyone stands for all persons in [Ends.EndPerson] and [Ends.PersonEnded]. It
// has the form of an id, so that files, stores and gateways of earlier versions
// can keep its tombstone. NewID never draws it: the last character of 16 bytes
// is one of aeimquy4. No record may have it (attack: an imported person of this
// id, whose sessions an operator ends).
const Everyone = "everyonezzzzzzzzzzzzzzzzzz"

// personID reports whether s can be the id of a person.
func personID(s string) bool { return ValidID(s) && s != Everyone }

// ValidID reports whether s has the form of a person's id.
func ValidID(s string) bool {
	if len(s) != IDLength {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// RawID returns the 16 bytes of an id.
func RawID(id string) (raw [16]byte, err error) {
	if !ValidID(id) {
		return raw, Corrupt("an id cannot be decoded")
	}
	if _, err := idEncoding.Decode(raw[:], []byte(id)); err != nil {
		return raw, Corrupt("an id cannot be decoded")
	}
	return raw, nil
}
