package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The record of a session in Redis. Millions of records are in memory, so each
// byte counts. See packed for the texts.
//
//	version  1 byte: 2, or 1 for a session that has neither audience nor line
//	flags    1 byte, see below; others refused
//	hint     1 byte, of the ring's key, see key
//	scope    1 byte, see scopes
//	line     16 bytes, not all zero; only with its flag
//	created  uvarint, seconds since 1970
//	renewed  uvarint, seconds after created
//	app id   text, ≤ 128
//	site     text, ≤ 512, without https:// if the flag says so
//	nonce    8 bytes
//	sealed   AES-256-GCM, all above and the session's id are authenticated:
//	         person and openid, texts, ≤ 64; declined, uvarint, with its flag
//
// The clear part is what administrators may list: where and when, but not who.
const (
	recordVersion     = 2
	recordVersionOnce = 1 // before audiences and lines

	recordSealed   = 1 << 0 // a sealed cookie of the session may exist; endScript reads this
	recordGuest    = 1 << 1
	recordDeclined = 1 << 2
	recordHTTPS    = 1 << 3
	recordLine     = 1 << 4
	recordCookie   = 1 << 5
	recordToken    = 1 << 6
	recordNew      = recordLine | recordCookie | recordToken
	recordKnown    = recordSealed | recordGuest | recordDeclined | recordHTTPS | recordNew

	// nonceSize: each session has its own key, with which about a hundred
	// records are written; 64 random bits are enough for that. The other bytes
	// of the nonce are zero.
	nonceSize = 8
	maxRecord = 1024
	https     = "https://"

	// tombstone takes the place of the record of an ended session of which a
	// sealed cookie may exist. It is not a version.
	tombstone = "x"

	// replacedSign stands in front of the record of a replaced session.
	// leavesDigits digits follow it: when the session ceases to be accepted, in
	// ms since 1970. It is not a version. If the session is still in a sealed
	// cookie, the sign and the digits stand alone. See replaceScript.
	// 1970. It is no version either. Only they stand there where the session is
	// still in a sealed cookie. See replaceScript.
	replacedSign = "r"
	leavesDigits = 13
)

// sealRecord makes the record of a session, with the ring's first key.
func sealRecord(keys *Ring, s *Session) (string, error) {
	code, err := s.check()
	if err != nil {
		return "", err
	}
	all := keys.all()
	if len(all) == 0 {
		return "", ErrNoKey
	}
	aead, err := all[0].record(s.secret)
	if err != nil {
		return "", err
	}
	flags := recordFlags(s)
	plain := appendPacked(make([]byte, 0, 64), s.Person)
	plain = appendPacked(plain, s.OpenID)
	if flags&recordDeclined != 0 {
		plain = binary.AppendUvarint(plain, uint64(s.Declined.Unix()))
	}
	out := make([]byte, 0, 160)
	version := byte(recordVersion)
	if flags&recordNew == 0 {
		version = recordVersionOnce
	}
	out = append(out, version, flags, all[0].hint, code)
	if flags&recordLine != 0 {
		out = append(out, s.Line[:]...)
	}
	out = binary.AppendUvarint(out, uint64(s.Created.Unix()))
	out = binary.AppendUvarint(out, uint64(s.Renewed.Unix()-s.Created.Unix()))
	out = appendPacked(out, s.AppID)
	out = appendPacked(out, strings.TrimPrefix(s.Site, https))
	bound := append(slices.Clone(out), s.ID[:]...)
	var nonce [12]byte
	_, _ = rand.Read(nonce[:nonceSize]) // never fails
	out = append(out, nonce[:nonceSize]...)
	return string(aead.Seal(out, nonce[:], plain, bound)), nil
}

func recordFlags(s *Session) (flags byte) {
	for flag, set := range map[byte]bool{
		recordSealed:   s.origin == movedHere,
		recordGuest:    s.Guest,
		recordDeclined: !s.Declined.IsZero(),
		recordHTTPS:    strings.HasPrefix(s.Site, https),
		recordLine:     s.LineID() != s.ID,
		recordCookie:   s.Audience == Cookie,
		recordToken:    s.Audience == Token,
	} {
		if set {
			flags |= flag
		}
	}
	return flags
}

// openRecord opens a record with the secret of a value and any key of the ring.
func openRecord(keys *Ring, b Binding, v idValue, record string) (*Session, error) {
	h, n, err := parseHeader(record)
	if err != nil {
		return nil, err
	}
	if h.site != b.Site || h.appID != b.AppID || h.line != v.line {
		return nil, ErrTampered
	}
	if !h.audience().admits(b.Audience) {
		return nil, errAudience
	}
	var nonce [12]byte
	sealed := []byte(record[n+copy(nonce[:nonceSize], record[n:]):])
	bound := append([]byte(record[:n]), v.id[:]...)
	for _, k := range keys.all() {
		if k.hint != h.hint {
			continue
		}
		aead, err := k.record(v.secret)
		if err != nil {
			return nil, err
		}
		if plain, err := aead.Open(nil, nonce[:], sealed, bound); err == nil {
			return h.session(v, plain)
		}
	}
	return nil, ErrTampered
}

// session builds the session.
func (h header) session(v idValue, plain []byte) (*Session, error) {
	d := decoder{rest: plain}
	s := &Session{
		ID: v.id, Site: h.site, AppID: h.appID, Audience: h.audience(), Line: h.line, Scope: h.scope, Guest: h.flags&recordGuest != 0,
		Created: h.created, Renewed: h.renewed, secret: v.secret,
	}
	s.Person = d.packed(maxPerson)
	s.OpenID = d.packed(maxOpenID)
	if h.flags&recordDeclined != 0 {
		s.Declined = time.Unix(d.second(), 0).UTC()
	}
	if h.flags&recordSealed != 0 {
		s.origin = movedHere
	}
	if _, err := s.check(); err != nil || d.bad || len(d.rest) != 0 {
		return nil, ErrMalformed
	}
	return s, nil
}

// record returns the cipher of one session's record. Its key is derived from
// both the secret, which only the cookie has, and the ring's key, which only
// gateways have.
func (k *key) record(of idSecret) (cipher.AEAD, error) {
	use, err := k.of(purposeRecord)
	if err != nil {
		return nil, err
	}
	raw, err := hkdf.Key(sha256.New, of[:], use.mac, derivation+"record", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving a record's key: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("making a record's cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
