package session

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	keyFileVersion = 1
	keyFileMax     = 64 << 10 // bytes
	keyFileKeys    = 64
	secretSize     = 32

	// keyGrace is how long a new key only opens, before it seals: every gateway
	// reads the keys several times in between. It is also how long a gateway
	// may go on sealing with the old key.
	keyGrace = 15 * time.Minute
)

// keyFile is the stored form: the keys, the oldest first. Older gateways read
// it too and ignore fields that they do not know.
type keyFile struct {
	Version int         `json:"version"`
	Keys    []storedKey `json:"keys"`

	// Superseded is the moment from which configured keys seal instead of
	// these; zero while these seal.
	Superseded time.Time `json:"superseded,omitzero"`
}

// storedKey is one generated key. Its id is random and serves logs only.
type storedKey struct {
	ID      string    `json:"id"`
	Secret  secret    `json:"secret"`
	Created time.Time `json:"created"`
}

// secret is base64 in JSON, and hidden in every print form.
type secret []byte

// Format hides the secret in every print form.
func (secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// parseKeyFile reads the output of encode, also with a byte order mark, which
// an editor may have added. It refuses anything else with ErrKeyFile. Its
// errors quote no data, because the data is secret.
func parseKeyFile(data []byte) (keyFile, error) {
	if len(data) > keyFileMax {
		return keyFile{}, fmt.Errorf("%w: more than %d bytes", ErrKeyFile, keyFileMax)
	}
	if data = bytes.TrimPrefix(data, []byte("\ufeff")); len(bytes.TrimSpace(data)) == 0 {
		return keyFile{}, fmt.Errorf("%w: the file is empty: it was cut off; restore the backup, or remove it to begin anew, and every visitor signs in again", ErrKeyFile)
	}
	var file keyFile
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&file); err != nil {
		return keyFile{}, fmt.Errorf("%w: not valid JSON", ErrKeyFile)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return keyFile{}, fmt.Errorf("%w: more data follows the JSON", ErrKeyFile)
	}
	if file.Version != keyFileVersion {
		return keyFile{}, fmt.Errorf("%w: unknown version %d", ErrKeyFile, file.Version)
	}
	if n := len(file.Keys); n == 0 || n > keyFileKeys {
		return keyFile{}, fmt.Errorf("%w: %d keys, 1 to %d expected", ErrKeyFile, n, keyFileKeys)
	}
	if !file.Superseded.IsZero() && !onWire(file.Superseded) {
		return keyFile{}, fmt.Errorf("%w: a time is out of range", ErrKeyFile)
	}
	for i, k := range file.Keys {
		if len(k.Secret) != secretSize || k.ID == "" || len(k.ID) > 64 || !onWire(k.Created) {
			return keyFile{}, fmt.Errorf("%w: key %d is incomplete", ErrKeyFile, i+1)
		}
	}
	return file, nil
}

// encode writes the file.
func (f keyFile) encode() ([]byte, error) {
	data, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("encoding the session keys: %w", err)
	}
	return append(data, '\n'), nil
}

// newStoredKey generates a key.
func newStoredKey(now time.Time) storedKey {
	random := make([]byte, 4+secretSize)
	_, _ = rand.Read(random) // never fails
	return storedKey{
		ID:      hex.EncodeToString(random[:4]),
		Secret:  random[4:],
		Created: wholeSecond(now),
	}
}

// sealing returns the index of the sealing key: the newest key that all
// gateways have had time to read, else the oldest.
func (f keyFile) sealing(now time.Time) int { return f.newestOf(keyGrace, now) }

// signing returns the index of the signing key: the newest key whose public key
// all apps have had time to read, else the oldest.
func (f keyFile) signing(now time.Time) int { return f.newestOf(signGrace, now) }

// newestOf returns the index of the newest key of this age, else of the oldest
// key.
func (f keyFile) newestOf(age time.Duration, now time.Time) int {
	for i := len(f.Keys) - 1; i > 0; i-- {
		if !now.Before(f.Keys[i].Created.Add(age)) {
			return i
		}
	}
	return 0
}

// due reports whether a new key is to be added. A newest key from the future
// means that a clock is wrong, here or elsewhere. Then no key is added, because
// a key dated far in the past would retire all others at once.
func (f keyFile) due(now time.Time, rotate time.Duration) bool {
	return !now.Before(f.Keys[len(f.Keys)-1].Created.Add(rotate))
}

// alive returns the file without the keys whose sealed values have all expired:
// those whose successor has been sealing for longer than keep. What they signed
// has expired by then, too.
func (f keyFile) alive(now time.Time, keep time.Duration) keyFile {
	first := 0
	keep = max(keep, signKeep)
	for i := range f.Keys {
		// The old key sealed for at most one more grace period.
		if i > 0 && !now.Before(f.Keys[i].Created.Add(2*keyGrace+keep)) {
			first = i
		}
	}
	return keyFile{Version: f.Version, Keys: f.Keys[first:]}
}

// next returns the file as generated keys should be stored now, and whether
// that differs. Retired keys do not come back: they were out of use, and
// unguarded, for longer than any session lives.
func (f keyFile) next(now time.Time, rotate, keep time.Duration) (keyFile, bool) {
	if f.retired(now, keep) {
		return newKeyFile(now), true
	}
	out := f.alive(now, keep)
	changed := len(out.Keys) != len(f.Keys) || !f.Superseded.IsZero()
	if out.due(now, rotate) && len(out.Keys) < keyFileKeys {
		out, changed = out.with(newStoredKey(now)), true
	}
	return out, changed
}

// newKeyFile returns a file with one new key, which seals at once.
func newKeyFile(now time.Time) keyFile {
	return keyFile{Version: keyFileVersion, Keys: []storedKey{newStoredKey(now)}}
}

// with returns the file with one more key.
func (f keyFile) with(k storedKey) keyFile {
	f.Keys = append(f.Keys[:len(f.Keys):len(f.Keys)], k)
	return f
}

// same reports whether two files are equal.
func (f keyFile) same(other keyFile) bool {
	return f.Superseded.Equal(other.Superseded) &&
		slices.EqualFunc(f.Keys, other.Keys, func(a, b storedKey) bool { return a.ID == b.ID })
}

// secrets returns the secrets in the order of a ring: the sealing one first,
// then from the newest to the oldest.
func (f keyFile) secrets(now time.Time) [][]byte {
	seal := f.sealing(now)
	out := [][]byte{f.Keys[seal].Secret}
	for i := len(f.Keys) - 1; i >= 0; i-- {
		if i != seal {
			out = append(out, f.Keys[i].Secret)
		}
	}
	return out
}
