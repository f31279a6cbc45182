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

// The record of a session in Redis. Millions of them are in memory: each byte
// counts. See packed for the texts.
//
//	version  1 byte, 1
//	flags    1 byte, see below; others refused
//	hint     1 byte, of the ring's key, see key
//	scope    1 byte, see scopes
//	created  uvarint, seconds since 1970
//	renewed  uvarint, seconds after created
//	app id   text, ≤ 128
//	site     text, ≤ 512, without https:// if the flag says so
//	nonce    8 bytes
//	sealed   AES-256-GCM, all above and the session's id are authenticated:
//	         person and openid, texts, ≤ 64; declined, uvarint, with its flag
//
// What is in clear is what admins may list: where and when, not who.
const (
	recordVersion = 1

	recordSealed   = 1 << 0 // a sealed cookie of it may be around; endScript reads this
	recordGuest    = 1 << 1
	recordDeclined = 1 << 2
	recordHTTPS    = 1 << 3
	recordKnown    = recordSealed | recordGuest | recordDeclined | recordHTTPS

	// nonceSize: a session's key is its own and writes a hundred records or so, for
	// which 64 random bits are plenty. The other bytes of the nonce are zero.
	nonceSize = 8
	maxRecord = 1024
	https     = "https://"

	// tombstone stands in the place of a record whose session ended while a
	// sealed cookie of it could be around. It is no version.
	tombstone = "x"
)

// header is the clear part of a record.
type header struct {
	flags, hint      byte
	scope            string
	created, renewed time.Time
	appID, site      string
}

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
	out = append(out, recordVersion, flags, all[0].hint, code)
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
	} {
		if set {
			flags |= flag
		}
	}
	return flags
}

// parseHeader reads the clear part of a record and returns how long it is.
func parseHeader(record string) (header, int, error) {
	if len(record) > maxRecord {
		return header{}, 0, ErrMalformed
	}
	d := decoder{rest: []byte(record)}
	version := d.byte()
	h := header{flags: d.byte(), hint: d.byte()}
	var known bool
	h.scope, known = scopeName(d.byte())
	created := d.second()
	renewed := d.second()
	h.created, h.renewed = time.Unix(created, 0).UTC(), time.Unix(created+renewed, 0).UTC()
	h.appID = d.packed(maxAppID)
	h.site = d.packed(maxSite)
	if h.flags&recordHTTPS != 0 {
		h.site = https + h.site
	}
	if d.bad || version != recordVersion || h.flags&^recordKnown != 0 || !known || len(d.rest) < nonceSize {
		return header{}, 0, ErrMalformed
	}
	return h, len(record) - len(d.rest), nil
}

// openRecord opens a record with the secret of a value and any key of the ring.
func openRecord(keys *Ring, b Binding, v idValue, record string) (*Session, error) {
	h, n, err := parseHeader(record)
	if err != nil {
		return nil, err
	}
	if h.site != b.Site || h.appID != b.AppID {
		return nil, ErrTampered
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

// session puts a session together.
func (h header) session(v idValue, plain []byte) (*Session, error) {
	d := decoder{rest: plain}
	s := &Session{
		ID: v.id, Site: h.site, AppID: h.appID, Scope: h.scope, Guest: h.flags&recordGuest != 0,
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

// record returns the cipher of one session's record. Its key needs both: the
// secret, that only the cookie has, and the ring's key, that only gateways have.
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
