package assertion

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"slices"
	"strings"
	"testing"
)

// The first bytes may be no private key of P-256: zero, or not less than the
// order of the group. Then those of the next label are taken.
func TestES256KeyOutOfRange(t *testing.T) {
	t.Parallel()
	const order = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"
	good := bytes.Repeat([]byte{7}, 32)
	for name, first := range map[string][]byte{
		"zero":             make([]byte, 32),
		"the order":        []byte(order),
		"the largest":      bytes.Repeat([]byte{0xff}, 32),
		"the order plus 1": append([]byte(order[:31]), order[31]+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var labels []string
			got, err := privateKey(func(label string, _ int) ([]byte, error) {
				if labels = append(labels, label); len(labels) < 3 {
					return first, nil
				}
				return good, nil
			}, ES256)
			if err != nil {
				t.Fatal(err)
			}
			if raw, err := got.(*ecdsa.PrivateKey).Bytes(); err != nil || !bytes.Equal(raw, good) {
				t.Errorf("the key is %x, %v; want %x", raw, err, good)
			}
			if want := []string{"assertion/ES256", "assertion/ES256/1", "assertion/ES256/2"}; !slices.Equal(labels, want) {
				t.Errorf("asked for %v, want %v", labels, want)
			}
		})
	}
	t.Run("never", func(t *testing.T) {
		t.Parallel()
		tries := 0
		_, err := privateKey(func(string, int) ([]byte, error) { tries++; return make([]byte, 32), nil }, ES256)
		if err == nil || tries != maxTries {
			t.Errorf("error %v after %d tries, want one after %d", err, tries, maxTries)
		}
	})
}

func TestKeyFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, a := range []Algorithm{ES256, EdDSA} {
		if _, err := privateKey(func(string, int) ([]byte, error) { return nil, broken }, a); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want the one of the derivation", a, err)
		}
	}
	if _, err := privateKey(nil, "HS256"); err == nil || !strings.Contains(err.Error(), "HS256") {
		t.Errorf("HS256: error %v", err)
	}
}
