package session

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// The purposes for which a ring seals and authenticates. Each purpose has its
// own keys: a value made for one does not open for another.
const (
	PurposeSession = "session" // the value of a session, at most MaxValue bytes
	PurposeFlow    = "flow"    // a sign-in under way, in the callback address
	PurposeState   = "state"   // the state parameter of WeChat's authorize address

	purposeID     = "id"     // the code in the cookie of a session in Redis
	purposeRecord = "record" // the encryption of such a session's record
)

// The keys of purposes are derived beforehand. Any other purpose works too; its
// keys are derived on each use.
var purposes = [...]string{PurposeSession, PurposeFlow, PurposeState, purposeID, purposeRecord}

const (
	// MaxSealed is the length of the longest sealed text of any purpose but
	// PurposeSession.
	MaxSealed = 8192

	minSecret = 32
	maxKeys   = 8
	redacted  = "session keys (redacted)"
)

// Ring is a ring of secret keys: the first seals, all of them open. Its keys
// can be replaced while it is in use, so all callers can share one *Ring for
// good. The zero Ring has no key: it seals and opens nothing. A Ring is safe
// for concurrent use.
type Ring struct {
	held     atomic.Pointer[held]
	changing sync.Mutex // held while the keys are replaced
}

// held holds the state of a ring. It is replaced as a whole: a reader who sees
// the keys after a withdrawal also sees its count.
type held struct {
	keys      []*key // the sealing one first
	signs     *key   // one of keys, see SignatureKeys
	withdrawn uint64
	version   uint64
}

// NewRing makes a ring of configured secrets, the sealing one first. Each must
// have 32 bytes or more (ErrWeakKey), and there may be 1 to 8 (ErrNoKey,
// ErrTooManyKeys). A secret that is given twice counts once. The order of the
// rest does not matter.
func NewRing(secrets ...string) (*Ring, error) {
	if len(secrets) == 0 {
		return nil, ErrNoKey
	}
	if len(secrets) > maxKeys {
		return nil, ErrTooManyKeys
	}
	raw := make([][]byte, 0, len(secrets))
	for i, secret := range secrets {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("%w (key %d has %d)", ErrWeakKey, i+1, len(secret))
		}
		if !slices.Contains(secrets[:i], secret) {
			raw = append(raw, []byte(secret))
		}
	}
	r := new(Ring)
	return r, r.replace(raw, raw[0])
}

// replace puts other keys on the ring, the sealing one first. The secret signs
// is one of them. Keys that are on the ring already are not derived again.
func (r *Ring) replace(secrets [][]byte, signs []byte) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	old := r.all()
	next := held{keys: make([]*key, 0, len(secrets)), withdrawn: r.Withdrawn(), version: r.Version()}
	for _, secret := range secrets {
		i := slices.IndexFunc(old, func(k *key) bool { return bytes.Equal(k.secret, secret) })
		if i >= 0 {
			next.keys = append(next.keys, old[i])
			continue
		}
		k, err := newKey(secret)
		if err != nil {
			return err
		}
		next.keys = append(next.keys, k)
	}
	if slices.ContainsFunc(old, func(k *key) bool { return !slices.Contains(next.keys, k) }) {
		next.withdrawn++
	}
	if i := slices.IndexFunc(next.keys, func(k *key) bool { return bytes.Equal(k.secret, signs) }); i >= 0 {
		next.signs = next.keys[i]
	}
	if before := r.current(); before == nil || before.signs != next.signs || !slices.Equal(old, next.keys) {
		next.version++
	}
	r.held.Store(&next)
	return nil
}

// current returns the state of the ring, nil before the first keys.
func (r *Ring) current() *held {
	if r == nil {
		return nil
	}
	return r.held.Load()
}

// all returns the current keys, the sealing one first.
func (r *Ring) all() []*key {
	if h := r.current(); h != nil {
		return h.keys
	}
	return nil
}

// Withdrawn grows whenever a key is taken off the ring. A value that was opened
// before may have been sealed with that key, so a cache of opened values must
// not answer for it any more (attack: a leaked key is withdrawn, and sessions
// made with it go on from memory). Read it before a value is opened. It costs
// one atomic load.
func (r *Ring) Withdrawn() uint64 {
	if h := r.current(); h != nil {
		return h.withdrawn
	}
	return 0
}

// Seal encrypts and authenticates plain, which must not be empty (ErrInvalid).
// The result opens only with the same purpose and bound text. It consists of
// A-Z a-z 0-9 - and _, and is at most MaxValue bytes long for PurposeSession,
// MaxSealed otherwise (ErrTooLong). Two seals of the same bytes differ.
func (r *Ring) Seal(purpose, bound string, plain []byte) (string, error) {
	keys := r.all()
	if len(keys) == 0 {
		return "", ErrNoKey
	}
	if len(plain) == 0 {
		return "", fmt.Errorf("%w: there is nothing to seal", ErrInvalid)
	}
	if len(plain) > limit(purpose) {
		return "", ErrTooLong // checked again below; this saves the work
	}
	use, err := keys[0].of(purpose)
	if err != nil {
		return "", err
	}
	// A clone, because securecookie with the NopEncoder encrypts the slice in
	// place.
	text, err := use.codec.Encode(boundName(purpose, bound), bytes.Clone(plain))
	if err != nil {
		return "", fmt.Errorf("sealing for %s: %w", purpose, err)
	}
	text = string(keys[0].hint) + strings.TrimRight(text, "=")
	if len(text) > limit(purpose) {
		return "", ErrTooLong
	}
	return text, nil
}

// Open returns the bytes that any key of the ring sealed with the same purpose
// and bound text. It does not check the age: callers keep their own times. A
// text that does not open gives ErrTampered; an empty ring gives ErrNoKey.
func (r *Ring) Open(purpose, bound, sealed string) ([]byte, error) {
	keys := r.all()
	if len(keys) == 0 {
		return nil, ErrNoKey
	}
	// Before any work: a long cookie must not cost time, and two texts must not
	// be one value.
	if len(sealed) > limit(purpose) || !canonical(sealed) {
		return nil, ErrTampered
	}
	name, body := boundName(purpose, bound), sealed[1:]
	if odd := len(body) % 4; odd != 0 {
		body += "==="[odd-1:]
	}
	for _, k := range keys {
		if k.hint != sealed[0] {
			continue
		}
		use, err := k.of(purpose)
		if err != nil {
			return nil, err
		}
		var plain []byte
		if use.codec.Decode(name, body, &plain) == nil {
			return plain, nil
		}
	}
	return nil, ErrTampered
}

// MAC returns the HMAC-SHA256 of data, 32 bytes, made with the sealing key for
// this purpose. An empty ring returns random bytes, which no ring verifies.
func (r *Ring) MAC(purpose, data string) []byte {
	if keys := r.all(); len(keys) != 0 {
		if use, err := keys[0].of(purpose); err == nil {
			return use.sum(data)
		}
	}
	out := make([]byte, sha256.Size)
	_, _ = rand.Read(out) // never fails
	return out
}

// VerifyMAC reports whether mac is the MAC of data for this purpose, made with
// any key of the ring.
func (r *Ring) VerifyMAC(purpose, data string, mac []byte) bool {
	return len(mac) == sha256.Size && r.verifyShort(purpose, data, mac)
}

// verifyShort is VerifyMAC for the first bytes of a code. The caller must check
// their number: an empty code would verify.
func (r *Ring) verifyShort(purpose, data string, mac []byte) bool {
	for _, k := range r.all() {
		use, err := k.of(purpose)
		if err != nil {
			continue
		}
		// In constant time: the code must not be guessable byte by byte.
		if sum := use.sum(data); len(mac) <= len(sum) && hmac.Equal(sum[:len(mac)], mac) {
			return true
		}
	}
	return false
}

// Format hides the keys in every print form.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the keys in structured logs.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the keys in JSON and other encodings.
func (r *Ring) MarshalText() ([]byte, error) { return []byte(redacted), nil }
