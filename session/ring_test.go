package session_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

var purposes = []string{
	session.PurposeSession, session.PurposeFlow, session.PurposeState, "", "anything", "session/hash",
}

func TestNewRing(t *testing.T) {
	t.Parallel()
	key := func(n int) string { return strings.Repeat("k", n) }
	many := make([]string, 9)
	for i := range many {
		many[i] = key(32 + i)
	}
	for _, c := range []struct {
		name    string
		secrets []string
		want    error
	}{
		{"none", nil, session.ErrNoKey},
		{"empty", []string{""}, session.ErrWeakKey},
		{"31 bytes", []string{key(31)}, session.ErrWeakKey},
		{"second is weak", []string{key(32), key(31)}, session.ErrWeakKey},
		{"nine", many, session.ErrTooManyKeys},
		{"32 bytes", []string{key(32)}, nil},
		{"eight", many[:8], nil},
		{"the same twice", []string{key(32), key(32)}, nil},
	} {
		if _, err := session.NewRing(c.secrets...); !errors.Is(err, c.want) {
			t.Errorf("%s: NewRing gave %v, want %v", c.name, err, c.want)
		}
	}
	_, err := session.NewRing(key(32), "hunter2")
	if !strings.Contains(err.Error(), "openssl rand -base64 32") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("NewRing gave %q: it should say how to make a key and not quote this one", err)
	}
}

func TestRingRoundTrip(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets...)
	for _, purpose := range purposes {
		for n := 1; n < 400; n++ {
			plain := bytes.Repeat([]byte{byte(n)}, n)
			sealed, err := ring.Seal(purpose, "bound", plain)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(plain, bytes.Repeat([]byte{byte(n)}, n)) {
				t.Fatal("Seal changed the bytes of its caller")
			}
			checkSealed(t, purpose, sealed)
			got, err := ring.Open(purpose, "bound", sealed)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%s, %d bytes: got %x, %v", purpose, n, got, err)
			}
		}
	}
}

// checkSealed checks that a text is safe as a cookie and in a path.
func checkSealed(t *testing.T, purpose, sealed string) {
	t.Helper()
	limit := session.MaxSealed
	if purpose == session.PurposeSession {
		limit = session.MaxValue
	}
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if sealed == "" || len(sealed) > limit || strings.Trim(sealed, allowed) != "" {
		t.Fatalf("the sealed text for %q has a wrong form: %q", purpose, sealed)
	}
}

func TestRingSealLimits(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets[0])
	for _, purpose := range purposes {
		if _, err := ring.Seal(purpose, "", nil); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("sealing nothing for %q gave %v, want ErrInvalid", purpose, err)
		}
		last := 0
		for n := 0; n < session.MaxSealed+8; n += 7 {
			sealed, err := ring.Seal(purpose, "", make([]byte, n+1))
			if err == nil {
				checkSealed(t, purpose, sealed)
				last = n
			} else if !errors.Is(err, session.ErrTooLong) {
				t.Fatalf("sealing %d bytes for %q gave %v", n+1, purpose, err)
			} else if n > last+100 && n < session.MaxSealed {
				break
			}
		}
		if last < 400 {
			t.Errorf("only %d bytes can be sealed for %q", last, purpose)
		}
	}
}

// A value opens for the purpose, binding and keys it was made for, and no
// other.
func TestRingKeepsApart(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets[0])
	for _, made := range purposes {
		sealed, err := ring.Seal(made, "a", []byte("plain"))
		if err != nil {
			t.Fatal(err)
		}
		for _, purpose := range purposes {
			if purpose != made {
				mustNotOpen(t, ring, purpose, "a", sealed)
				mustNotOpen(t, ring, purpose, made+":a", sealed)
			}
		}
		for _, bound := range []string{"", "b", "A", "a ", " a", "a|", "a|1", "aa", "1:a", ":a"} {
			mustNotOpen(t, ring, made, bound, sealed)
		}
		mustNotOpen(t, newRing(t, secrets[1], secrets[2]), made, "a", sealed)
	}
}

func mustNotOpen(t *testing.T, ring *session.Ring, purpose, bound, sealed string) {
	t.Helper()
	plain, err := ring.Open(purpose, bound, sealed)
	if plain != nil || !errors.Is(err, session.ErrTampered) || !errors.Is(err, session.ErrNone) {
		t.Fatalf("opening %.60q for %q, %q gave %q, %v; want ErrTampered", sealed, purpose, bound, plain, err)
	}
}

// Each byte, each bit of the last character too, and each form that base64
// decoders let pass.
func TestRingRefusesAlteredText(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets...)
	for n := 1; n <= 6; n++ { // all lengths of the last group
		sealed, err := ring.Seal(session.PurposeFlow, "b", bytes.Repeat([]byte("x"), n))
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(sealed) {
			for c := range 256 {
				if sealed[i] != byte(c) {
					mustNotOpen(t, ring, session.PurposeFlow, "b", sealed[:i]+string([]byte{byte(c)})+sealed[i+1:])
				}
			}
		}
		for _, altered := range []string{
			"", sealed[:1], sealed[1:], sealed + "=", sealed + "==", sealed + "A", sealed + "\n",
			sealed[:9] + "\n" + sealed[9:], sealed[:9] + "\r\n" + sealed[9:], sealed + sealed[1:],
			strings.Repeat(sealed, 50), strings.Repeat("A", 1<<20),
		} {
			mustNotOpen(t, ring, session.PurposeFlow, "b", altered)
		}
	}
}

func TestRingRotation(t *testing.T) {
	t.Parallel()
	old, both, turned := newRing(t, secrets[0]), newRing(t, secrets[1], secrets[0]), newRing(t, secrets[1])
	sealedOld, err := old.Seal(session.PurposeFlow, "", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	sealedNew, err := both.Seal(session.PurposeFlow, "", []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	for want, sealed := range map[string]string{"old": sealedOld, "new": sealedNew} {
		if plain, err := both.Open(session.PurposeFlow, "", sealed); err != nil || string(plain) != want {
			t.Errorf("got %q, %v; want %q", plain, err, want)
		}
	}
	if plain, err := turned.Open(session.PurposeFlow, "", sealedNew); err != nil || string(plain) != "new" {
		t.Errorf("got %q, %v: the first key should have sealed", plain, err)
	}
	mustNotOpen(t, turned, session.PurposeFlow, "", sealedOld)
	mustNotOpen(t, old, session.PurposeFlow, "", sealedNew)
}

func FuzzRing(f *testing.F) {
	ring, err := session.NewRing(secrets...)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("flow", "bound", "Abc", []byte("plain"))
	f.Add("", "1:|", "\n==", []byte{0})
	f.Fuzz(func(t *testing.T, purpose, bound, text string, plain []byte) {
		if got, err := ring.Open(purpose, bound, text); err == nil {
			t.Fatalf("%q opened to %q", text, got)
		}
		sealed, err := ring.Seal(purpose, bound, plain)
		if err != nil {
			return
		}
		if got, err := ring.Open(purpose, bound, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %x, %v; want %x", got, err, plain)
		}
		mustNotOpen(t, ring, purpose, bound+"|", sealed)
		mustNotOpen(t, ring, purpose+":", bound, sealed)
	})
}
