package session_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

func TestMAC(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets[0], secrets[1])
	for _, purpose := range purposes {
		mac := ring.MAC(purpose, "data")
		if len(mac) != 32 || !ring.VerifyMAC(purpose, "data", mac) {
			t.Fatalf("the code for %q does not verify", purpose)
		}
		if !bytes.Equal(mac, ring.MAC(purpose, "data")) {
			t.Errorf("the code for %q is another each time", purpose)
		}
		for i := range mac {
			altered := bytes.Clone(mac)
			altered[i] ^= 1
			if ring.VerifyMAC(purpose, "data", altered) {
				t.Errorf("a code altered at byte %d verifies", i)
			}
		}
		for _, short := range [][]byte{nil, {}, mac[:31], append(bytes.Clone(mac), 0)} {
			if ring.VerifyMAC(purpose, "data", short) {
				t.Errorf("a code of %d bytes verifies", len(short))
			}
		}
		for _, other := range purposes {
			if other != purpose && ring.VerifyMAC(other, "data", mac) {
				t.Errorf("a code for %q verifies for %q", purpose, other)
			}
		}
		if ring.VerifyMAC(purpose, "data ", mac) || ring.VerifyMAC(purpose, "", mac) {
			t.Error("a code verifies for other data")
		}
	}
}

func TestMACRotation(t *testing.T) {
	t.Parallel()
	mac := newRing(t, secrets[0]).MAC(session.PurposeState, "data")
	if !newRing(t, secrets[1], secrets[0]).VerifyMAC(session.PurposeState, "data", mac) {
		t.Error("the code of an old key does not verify")
	}
	if newRing(t, secrets[1], secrets[2]).VerifyMAC(session.PurposeState, "data", mac) {
		t.Error("the code of an unknown key verifies")
	}
}

// A ring without keys must not work with keys that are empty.
func TestEmptyRing(t *testing.T) {
	t.Parallel()
	sealed, err := newRing(t, secrets[0]).Seal(session.PurposeFlow, "", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ring := range []*session.Ring{nil, new(session.Ring)} {
		if _, err := ring.Seal(session.PurposeFlow, "", []byte("x")); !errors.Is(err, session.ErrNoKey) {
			t.Errorf("Seal gave %v, want ErrNoKey", err)
		}
		if _, err := ring.Open(session.PurposeFlow, "", sealed); !errors.Is(err, session.ErrNoKey) || errors.Is(err, session.ErrNone) {
			t.Errorf("Open gave %v, want ErrNoKey", err)
		}
		mac := ring.MAC(session.PurposeState, "x")
		if len(mac) != 32 || bytes.Equal(mac, ring.MAC(session.PurposeState, "x")) {
			t.Errorf("MAC gave %x, twice", mac)
		}
		if ring.VerifyMAC(session.PurposeState, "x", mac) {
			t.Error("a code verifies without a key")
		}
	}
}
