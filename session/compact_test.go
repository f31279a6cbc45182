package session_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

func TestCompactRoundTrip(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets...)
	for _, purpose := range purposes {
		for n := 1; n < 400; n++ {
			plain := bytes.Repeat([]byte{byte(n)}, n)
			compact, err := ring.SealCompact(purpose, "bound", plain)
			if err != nil {
				t.Fatal(err)
			}
			// A hint, and the bytes, 32 of a code, 5 of a time and 16 to start
			// from.
			if want := 1 + (4*(n+32+5+16)+2)/3; len(compact) != want {
				t.Fatalf("%d bytes take %d characters, want %d", n, len(compact), want)
			}
			back, err := ring.OpenCompact(purpose, "bound", compact)
			if err != nil || !bytes.Equal(back, plain) {
				t.Fatalf("%q, %d bytes: %v", purpose, n, err)
			}
		}
	}
}

// What a ring of several keys sealed opens with each of them, as in the long
// form.
func TestCompactOpensWithEveryKey(t *testing.T) {
	t.Parallel()
	old, both := newRing(t, secrets[1]), newRing(t, secrets[0], secrets[1])
	compact, err := old.SealCompact(session.PurposeFlow, "b", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := both.OpenCompact(session.PurposeFlow, "b", compact); err != nil || string(back) != "plain" {
		t.Errorf("%q, %v", back, err)
	}
}

// Attack: a text that was altered, made for something else, or is in the other
// form.
func TestAttackCompactTampered(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets[0])
	compact, err := ring.SealCompact(session.PurposeFlow, "b", []byte("a plain text"))
	if err != nil {
		t.Fatal(err)
	}
	long, err := ring.Seal(session.PurposeFlow, "b", []byte("a plain text"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Open(session.PurposeFlow, "b", compact); !errors.Is(err, session.ErrTampered) {
		t.Errorf("Open opens the compact form: %v", err)
	}
	for name, c := range map[string]struct{ purpose, bound, text string }{
		"purpose": {session.PurposeState, "b", compact},
		"bound":   {session.PurposeFlow, "c", compact},
		"long":    {session.PurposeFlow, "b", long},
		"empty":   {session.PurposeFlow, "b", ""},
		"a hint":  {session.PurposeFlow, "b", compact[:1]},
		"no body": {session.PurposeFlow, "b", compact[:1+(4*37+2)/3]},
		"cut":     {session.PurposeFlow, "b", compact[:len(compact)-1]},
		"longer":  {session.PurposeFlow, "b", compact + "A"},
		"padded":  {session.PurposeFlow, "b", compact + "="},
		"a line":  {session.PurposeFlow, "b", compact[:9] + "\n" + compact[9:]},
		"huge":    {session.PurposeFlow, "b", compact[:1] + strings.Repeat("A", session.MaxSealed)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if plain, err := ring.OpenCompact(c.purpose, c.bound, c.text); !errors.Is(err, session.ErrTampered) {
				t.Errorf("%q, %v", plain, err)
			}
		})
	}
	for i := range len(compact) {
		for _, c := range []byte("A_9") {
			altered := compact[:i] + string(c) + compact[i+1:]
			if plain, err := ring.OpenCompact(session.PurposeFlow, "b", altered); altered != compact && !errors.Is(err, session.ErrTampered) {
				t.Errorf("character %d as %q: %q, %v", i, c, plain, err)
			}
		}
	}
	if _, err := new(session.Ring).OpenCompact(session.PurposeFlow, "b", compact); !errors.Is(err, session.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := ring.SealCompact(session.PurposeFlow, "b", nil); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("nothing sealed: %v", err)
	}
}

func FuzzOpenCompact(f *testing.F) {
	ring, err := session.NewRing(secrets[0])
	if err != nil {
		f.Fatal(err)
	}
	seed, err := ring.SealCompact(session.PurposeFlow, "b", []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:1] + strings.Repeat("_", 100))
	f.Fuzz(func(t *testing.T, text string) {
		if plain, err := ring.OpenCompact(session.PurposeFlow, "b", text); err == nil && text != seed {
			t.Fatalf("%q opens as %q", text, plain)
		}
	})
}
