package session

import "fmt"

// The value of a session in Redis, before base64url: version (1 byte, 1), tag
// (2), id (16), secret (16), the first 16 bytes of the ring's code over all of
// it and the binding. 51 bytes leave no spare bits: one value has one form.
const (
	idValueVersion = 1
	idValueBytes   = 1 + 2 + 16 + 16 + idValueMAC
	idValueMAC     = 16

	// idValueLength also tells an id value from a sealed one, which is longer.
	idValueLength = idValueBytes / 3 * 4
)

// idValue is what the cookie of a session in Redis carries.
type idValue struct {
	tag    tag
	id     ID
	secret idSecret
}

// body is the value without its code.
func (v idValue) body() []byte {
	out := make([]byte, 0, idValueBytes)
	out = append(out, idValueVersion)
	out = append(out, v.tag[:]...)
	out = append(out, v.id[:]...)
	return append(out, v.secret[:]...)
}

// format returns the value, authenticated for a binding by the ring's first key.
func (v idValue) format(keys *Ring, b Binding) string {
	body := v.body()
	mac := keys.MAC(purposeID, macData(b, body))
	return base64url.EncodeToString(append(body, mac[:idValueMAC]...))
}

// parseIDValue reads a value. One that was altered, made up, or made for another
// binding gives ErrTampered, before anybody asks Redis: nobody can make a
// gateway search.
func parseIDValue(keys *Ring, b Binding, value string) (idValue, error) {
	if len(value) != idValueLength || !safeText(value) {
		return idValue{}, ErrTampered // the decoder would skip line breaks
	}
	raw, err := base64url.DecodeString(value)
	if err != nil || len(raw) != idValueBytes || raw[0] != idValueVersion {
		return idValue{}, ErrTampered
	}
	body, mac := raw[:idValueBytes-idValueMAC], raw[idValueBytes-idValueMAC:]
	if !keys.verifyShort(purposeID, macData(b, body), mac) {
		return idValue{}, ErrTampered
	}
	d := decoder{rest: body[1:]}
	v := idValue{tag: tag(d.bytes(2)), id: ID(d.bytes(16)), secret: idSecret(d.bytes(16))}
	if v.secret == (idSecret{}) || v.id == (ID{}) {
		return idValue{}, fmt.Errorf("%w: an empty id", ErrMalformed)
	}
	return v, nil
}

// Opens says whether a key of the ring made the value. It asks nobody: the session
// may have ended. A sealed value must be a session as far as Sealed knows.
func (r *Redis) Opens(value string, b Binding) bool {
	if len(value) == idValueLength {
		_, err := parseIDValue(r.Keys, b, value)
		return err == nil
	}
	return r.Sealed != nil && r.Sealed.Opens(value, b)
}

// macData is the text that the code is made over. The binding tells its own
// length, the body has a fixed one: no two pairs read the same.
func macData(b Binding, body []byte) string { return boundName(purposeID, b.bound()) + string(body) }
