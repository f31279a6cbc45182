package session

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// A sealed text is base64 of (time, base64 of the encrypted bytes, MAC): 1.8
// characters for each byte. The compact form is base64 of (time, encrypted
// bytes, MAC): 1.33 characters. Both use the same keys and the same MAC.
const (
	compactMAC  = 32 // HMAC-SHA256
	compactTime = 5  // seconds since 1970, big-endian
)

// SealCompact is [Ring.Seal] in the compact form, for texts that become part of
// a URL. Only [Ring.OpenCompact] opens it. The length limit is that of the
// longer form.
func (r *Ring) SealCompact(purpose, bound string, plain []byte) (string, error) {
	sealed, err := r.Seal(purpose, bound, plain)
	if err != nil {
		return "", err
	}
	if compact, ok := compactOf(sealed); ok {
		return compact, nil
	}
	return "", ErrInvalid // never: Seal has just made it
}

// OpenCompact is [Ring.Open] for texts that SealCompact sealed.
func (r *Ring) OpenCompact(purpose, bound, compact string) ([]byte, error) {
	if len(r.all()) == 0 {
		return nil, ErrNoKey
	}
	if len(compact) > limit(purpose) || !canonical(compact) {
		return nil, ErrTampered
	}
	raw, err := base64.RawURLEncoding.DecodeString(compact[1:])
	if err != nil || len(raw) <= compactMAC+compactTime {
		return nil, ErrTampered
	}
	seconds := binary.BigEndian.Uint64(append(make([]byte, 8-compactTime), raw[compactMAC:compactMAC+compactTime]...))
	long := strconv.AppendUint(nil, seconds, 10)
	long = append(long, '|')
	long = base64.URLEncoding.AppendEncode(long, raw[compactMAC+compactTime:])
	long = append(long, '|')
	long = append(long, raw[:compactMAC]...)
	return r.Open(purpose, bound, compact[:1]+base64.RawURLEncoding.EncodeToString(long))
}

// compactOf returns the compact form of a sealed text.
func compactOf(sealed string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed[1:])
	if err != nil || len(raw) <= compactMAC {
		return "", false
	}
	head, mac := string(raw[:len(raw)-compactMAC]), raw[len(raw)-compactMAC:]
	date, encrypted, _ := strings.Cut(strings.TrimSuffix(head, "|"), "|")
	seconds, err := strconv.ParseUint(date, 10, 8*compactTime)
	if err != nil {
		return "", false
	}
	body, err := base64.URLEncoding.DecodeString(encrypted)
	if err != nil {
		return "", false
	}
	out := binary.BigEndian.AppendUint64(append([]byte(nil), mac...), seconds)
	out = append(out[:compactMAC], out[len(out)-compactTime:]...)
	return sealed[:1] + base64.RawURLEncoding.EncodeToString(append(out, body...)), true
}
