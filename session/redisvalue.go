package session

import "fmt"

// The value of a session in Redis, before base64url, is: version (1 byte), tag
// (2), id (16), secret (16), in version 2 the line (16), and the first bytes of
// the ring's code over all of it and the binding: 16, or 18 in version 2. 51
// and 69 bytes leave no spare bits, so each value has one form. The first
// session of a line has version 1, as have sessions from before lines existed.
const (
	idValueVersion = 1
	idValueBytes   = 1 + 2 + 16 + 16 + idValueMAC
	idValueMAC     = 16

	lineValueVersion = 2
	lineValueBytes   = 1 + 2 + 16 + 16 + 16 + lineValueMAC
	lineValueMAC     = 18

	// The lengths also tell these values from sealed ones, which are longer.
	idValueLength   = idValueBytes / 3 * 4
	lineValueLength = lineValueBytes / 3 * 4
)

// idValue is the content of the cookie of a session in Redis.
type idValue struct {
	tag    tag
	id     ID
	secret idSecret
	line   ID // zero for the first session of a line
}

// idValue returns the value of a session in Redis.
func (s *Session) idValue(p place) idValue {
	v := idValue{tag: p.tag, id: s.ID, secret: s.secret}
	if s.LineID() != s.ID {
		v.line = s.Line
	}
	return v
}

// isIDValue reports whether a value has the length of an id value.
func isIDValue(value string) bool {
	return len(value) == idValueLength || len(value) == lineValueLength
}

// body returns the value without its code.
func (v idValue) body() []byte {
	out := make([]byte, 0, lineValueBytes)
	version := byte(idValueVersion)
	if v.line != (ID{}) {
		version = lineValueVersion
	}
	out = append(out, version)
	out = append(out, v.tag[:]...)
	out = append(out, v.id[:]...)
	out = append(out, v.secret[:]...)
	if v.line != (ID{}) {
		out = append(out, v.line[:]...)
	}
	return out
}

// lineRef identifies the line in keys.
func (v idValue) lineRef() string {
	if v.line == (ID{}) {
		return refOf(v.id)
	}
	return refOf(v.line)
}

// format returns the value, authenticated for a binding by the ring's first
// key.
func (v idValue) format(keys *Ring, b Binding) string {
	body, size := v.body(), idValueMAC
	if v.line != (ID{}) {
		size = lineValueMAC
	}
	mac := keys.MAC(purposeID, macData(b, body))
	return base64url.EncodeToString(append(body, mac[:size]...))
}

// parseIDValue reads a value. A value that was altered, made up, or made for
// another binding gives ErrTampered before Redis is asked, so that made-up
// values cause no look-ups.
func parseIDValue(keys *Ring, b Binding, value string) (idValue, error) {
	if !isIDValue(value) || !safeText(value) {
		return idValue{}, ErrTampered // the decoder would skip line breaks
	}
	version, size := byte(idValueVersion), idValueMAC
	if len(value) == lineValueLength {
		version, size = lineValueVersion, lineValueMAC
	}
	raw, err := base64url.DecodeString(value)
	if err != nil || raw[0] != version {
		return idValue{}, ErrTampered
	}
	body, mac := raw[:len(raw)-size], raw[len(raw)-size:]
	if !keys.verifyShort(purposeID, macData(b, body), mac) {
		return idValue{}, ErrTampered
	}
	d := decoder{rest: body[1:]}
	v := idValue{tag: tag(d.bytes(2)), id: ID(d.bytes(16)), secret: idSecret(d.bytes(16))}
	if version == lineValueVersion {
		v.line = ID(d.bytes(16))
	}
	if v.secret == (idSecret{}) || v.id == (ID{}) || version == lineValueVersion && (v.line == ID{} || v.line == v.id) {
		return idValue{}, fmt.Errorf("%w: an empty id", ErrMalformed)
	}
	return v, nil
}

// Opens reports whether a key of the ring made the value. It does no I/O: the
// session may have ended. A sealed value must be a session by the rules of
// Sealed.
func (r *Redis) Opens(value string, b Binding) bool {
	if isIDValue(value) {
		_, err := parseIDValue(r.Keys, b, value)
		return err == nil
	}
	return r.Sealed != nil && r.Sealed.Opens(value, b)
}

// Withdrawn is [Ring.Withdrawn] of the keys, plus that of Sealed.
func (r *Redis) Withdrawn() uint64 {
	if r.Sealed == nil || r.Sealed.Keys == r.Keys {
		return r.Keys.Withdrawn()
	}
	return r.Keys.Withdrawn() + r.Sealed.Keys.Withdrawn()
}

// macData is the text that the code authenticates. The binding holds its own
// length, and the first byte of the body tells which of two lengths the body
// has: no two pairs read the same.
func macData(b Binding, body []byte) string { return boundName(purposeID, b.bound()) + string(body) }
