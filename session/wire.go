package session

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The binary form of a session. Each session has exactly one encoding:
//
//	version  1 byte: 2, or 1 for a session that has neither audience nor line
//	flags    1 byte: 1 guest, 2 declined; in version 2 also 4 line, 8 cookie,
//	         16 token; others refused
//	id       16 bytes, not all zero
//	line     16 bytes, not all zero and not the id; only with its flag
//	scope    1 byte, see scopes
//	person   length (1 byte, ≤ 64), then that many bytes of printable ASCII
//	openid   the same
//	created  uvarint, seconds since 1970
//	renewed  uvarint, seconds after created
//	declined uvarint, seconds since 1970; only with its flag
const (
	wireVersion     = 2
	wireVersionOnce = 1 // before audiences and lines

	flagGuest     = 1 << 0
	flagDeclined  = 1 << 1
	flagLine      = 1 << 2
	flagCookie    = 1 << 3
	flagToken     = 1 << 4
	flagsAudience = flagCookie | flagToken
	flagsNew      = flagLine | flagsAudience
	flagsKnown    = flagGuest | flagDeclined | flagsNew

	// maxSecond is the last second of the year 9999: times far beyond 2038
	// work, and absurd times cannot overflow later arithmetic.
	maxSecond = 253402300799
)

// MarshalBinary encodes all of the session except Site and AppID. It fails with
// ErrInvalid if the session is incomplete or a field is out of its limits.
func (s *Session) MarshalBinary() ([]byte, error) {
	code, err := s.check()
	if err != nil {
		return nil, err
	}
	flags := s.wireFlags()
	version := byte(wireVersion)
	if flags&flagsNew == 0 {
		version = wireVersionOnce
	}
	out := make([]byte, 0, 56+len(s.Person)+len(s.OpenID))
	out = append(out, version, flags)
	out = append(out, s.ID[:]...)
	if flags&flagLine != 0 {
		out = append(out, s.Line[:]...)
	}
	out = append(out, code, byte(len(s.Person)))
	out = append(out, s.Person...)
	out = append(out, byte(len(s.OpenID)))
	out = append(out, s.OpenID...)
	out = binary.AppendUvarint(out, uint64(s.Created.Unix()))
	out = binary.AppendUvarint(out, uint64(s.Renewed.Unix()-s.Created.Unix()))
	if flags&flagDeclined != 0 {
		out = binary.AppendUvarint(out, uint64(s.Declined.Unix()))
	}
	return out, nil
}

// wireFlags are the flags of the binary form.
func (s *Session) wireFlags() (flags byte) {
	if s.Guest {
		flags |= flagGuest
	}
	if !s.Declined.IsZero() {
		flags |= flagDeclined
	}
	if s.LineID() != s.ID {
		flags |= flagLine
	}
	switch s.Audience {
	case Cookie:
		flags |= flagCookie
	case Token:
		flags |= flagToken
	}
	return flags
}

// goodFlags reports whether a session of this version can have these flags.
func goodFlags(version, flags byte) bool {
	switch version {
	case wireVersionOnce:
		return flags&^(flagGuest|flagDeclined) == 0
	case wireVersion:
		return flags&^flagsKnown == 0 && flags&flagsNew != 0 && flags&flagsAudience != flagsAudience
	default:
		return false
	}
}

// audienceOf reads the audience from the flags.
func audienceOf(flags byte) Audience {
	switch flags & flagsAudience {
	case flagCookie:
		return Cookie
	case flagToken:
		return Token
	default:
		return AnyAudience
	}
}

// UnmarshalBinary decodes only what MarshalBinary made. An unknown version,
// flag or scope, a field beyond its limit, a number in a longer form than
// needed, a missing byte or a left-over byte gives ErrMalformed and leaves s as
// it was. Site and AppID are never touched.
func (s *Session) UnmarshalBinary(data []byte) error {
	d := decoder{rest: data}
	version, flags := d.byte(), d.byte()
	if !goodFlags(version, flags) {
		return fmt.Errorf("%w: unknown version or flag", ErrMalformed)
	}
	in := *s
	in.Guest = flags&flagGuest != 0
	in.Audience = audienceOf(flags)
	copy(in.ID[:], d.bytes(len(in.ID)))
	in.Line = ID{}
	if flags&flagLine != 0 {
		copy(in.Line[:], d.bytes(len(in.Line)))
		d.bad = d.bad || in.Line == ID{} || in.Line == in.ID // each session has one form
	}
	scope, known := scopeName(d.byte())
	if !known {
		return fmt.Errorf("%w: unknown scope", ErrMalformed)
	}
	in.Scope = scope
	in.Person = d.text(maxPerson)
	in.OpenID = d.text(maxOpenID)
	created := d.second()
	renewed := d.second()
	in.Created = time.Unix(created, 0).UTC()
	in.Renewed = time.Unix(created+renewed, 0).UTC()
	in.Declined = time.Time{}
	if flags&flagDeclined != 0 {
		in.Declined = time.Unix(d.second(), 0).UTC()
	}
	if d.bad || len(d.rest) != 0 {
		return fmt.Errorf("%w: cut short, too long or out of range", ErrMalformed)
	}
	if _, err := in.check(); err != nil {
		// The reason is our own text and holds no data; ErrInvalid is for
		// callers.
		return fmt.Errorf("%w: incomplete", ErrMalformed)
	}
	*s = in
	return nil
}

// check reports a session that cannot be encoded, and returns its scope's code.
func (s *Session) check() (code byte, err error) {
	code, known := scopeCode(s.Scope)
	switch {
	case s.ID == ID{}:
		err = fmt.Errorf("%w session: it has no id", ErrInvalid)
	case s.Audience > Token:
		err = fmt.Errorf("%w session: %s", ErrInvalid, s.Audience)
	case s.Guest && s.LineID() != s.ID:
		// A guest has no person, and so no slot shared with other sessions.
		err = fmt.Errorf("%w session: a guest has no line", ErrInvalid)
	case !known:
		err = fmt.Errorf("%w session: unknown scope %.32q", ErrInvalid, s.Scope)
	case !s.Guest && (s.Person == "" || s.OpenID == ""):
		// A session without a person would pass the gate with empty identity
		// headers.
		err = fmt.Errorf("%w session: person and openid are required", ErrInvalid)
	case !printable(s.Person, maxPerson) || !printable(s.OpenID, maxOpenID):
		// Both go into request headers, so CR, LF, space and non-ASCII bytes
		// are refused.
		err = fmt.Errorf("%w session: person or openid is too long or not printable ASCII", ErrInvalid)
	case !onWire(s.Created) || !onWire(s.Renewed) || s.Renewed.Unix() < s.Created.Unix():
		err = fmt.Errorf("%w session: its times are out of range", ErrInvalid)
	case !s.Declined.IsZero() && !onWire(s.Declined):
		err = fmt.Errorf("%w session: the time of declining is out of range", ErrInvalid)
	}
	return code, err
}

// onWire reports whether a time can be encoded: after 1970, before the year
// 10000.
func onWire(t time.Time) bool {
	second := t.Unix()
	return second > 0 && second <= maxSecond
}

// printable reports whether s is at most limit bytes of visible ASCII.
func printable(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
