package session_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// derived returns what the keys of a ring derive for one label, the key that
// signs first.
func derived(t *testing.T, ring *session.Ring) []string {
	t.Helper()
	keys, _ := ring.SignatureKeys()
	var all []string
	for _, k := range keys {
		bytes, err := k.Derive("test", 32)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, hex.EncodeToString(bytes))
	}
	return all
}

// Gateways of different versions must agree for ever on what a key derives.
func TestSignatureKeyVector(t *testing.T) {
	t.Parallel()
	ring := newRing(t, strings.Repeat("k", 32))
	keys, _ := ring.SignatureKeys()
	for label, want := range map[string]string{
		"assertion/ES256": "4d3d209b7f2861fe97d90a2f228772a7a490284f050bc4075b7e14c99098d254",
		"test":            "fc549ac2af62a55f2e1b5ae1c60bc0a7b8591df5d6a26020c3cec1e8be76e296",
	} {
		got, err := keys[0].Derive(label, 32)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: derived %x, %v; want %s", label, got, err, want)
		}
	}
	if printed := fmt.Sprintf("%v %+v %#v %x", keys, keys[0], keys[0], keys[0]); strings.Contains(printed, "kkk") || strings.Contains(printed, "6b6b") {
		t.Errorf("a key is printed: %s", printed)
	}
	if _, err := (session.SignatureKey{}).Derive("test", 32); !errors.Is(err, session.ErrNoKey) {
		t.Errorf("the zero key derived with %v, want ErrNoKey", err)
	}
}

func TestSignatureKeysOfARing(t *testing.T) {
	t.Parallel()
	if keys, version := new(session.Ring).SignatureKeys(); len(keys) != 0 || version != 0 {
		t.Errorf("an empty ring has %d keys, version %d", len(keys), version)
	}
	both, first, second := newRing(t, secrets[0], secrets[1]), newRing(t, secrets[0]), newRing(t, secrets[1])
	want := append(derived(t, first), derived(t, second)...)
	if got := derived(t, both); fmt.Sprint(got) != fmt.Sprint(want) || want[0] == want[1] {
		t.Errorf("two keys derived %v, want %v", got, want)
	}
}

// A generated key is listed a day before it signs, also where sessions are so
// short that the key before it could go earlier; and that key stays listed
// until all it signed has expired.
func TestSignatureKeyIsListedADayBeforeItSigns(t *testing.T) {
	t.Parallel()
	for _, keep := range []time.Duration{time.Hour, 30 * day} {
		t.Run(keep.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keeper := &session.KeyManager{Storage: newKeyStore(), Name: "keys", Keep: keep, Rotate: 30 * day}
				ring, err := keeper.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				first, version := derived(t, ring), ring.Version()
				if len(first) != 1 {
					t.Fatalf("%d keys at first, want 1", len(first))
				}
				refresh := func(after time.Duration) []string {
					time.Sleep(after)
					if err := keeper.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
					return derived(t, ring)
				}
				if refresh(day); ring.Version() != version {
					t.Error("the version grew, and nothing had changed")
				}
				listed := refresh(29 * day)
				if len(listed) != 2 || listed[0] != first[0] || ring.Version() == version {
					t.Fatalf("the new key is not listed behind the one that signs: %v", listed)
				}
				if now := refresh(day - time.Second); fmt.Sprint(now) != fmt.Sprint(listed) {
					t.Errorf("before a day was over, the list became %v, was %v", now, listed)
				}
				version = ring.Version()
				if now := refresh(time.Second); now[0] != listed[1] || now[1] != first[0] || ring.Version() == version {
					t.Errorf("after a day, the keys are %v, want the new one first", now)
				}
				if now := refresh(time.Hour); len(now) != 2 {
					t.Errorf("an hour later, %d keys are listed, want 2: what the old key signed may still be valid", len(now))
				}
			})
		})
	}
}

// A key that is withdrawn is not listed from that moment on.
func TestAttackWithdrawnKeySignsOn(t *testing.T) {
	t.Parallel()
	keeper, ring := open(t, newKeyStore())
	leaked, version := derived(t, ring)[0], ring.Version()
	if _, err := keeper.RetireNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := derived(t, ring); len(got) != 1 || got[0] == leaked || ring.Version() == version {
		t.Errorf("after the withdrawal the keys are %v, leaked was %s, version %d after %d", got, leaked, ring.Version(), version)
	}
}

// Configured keys sign at once, in their order, and generated ones behind them
// stay listed.
func TestConfiguredKeysSign(t *testing.T) {
	t.Parallel()
	store := newKeyStore()
	_, generated := open(t, store)
	keeper := keeperOf(store)
	ring, err := keeper.Join(t.Context(), secrets[0], secrets[1])
	if err != nil {
		t.Fatal(err)
	}
	want := append(derived(t, newRing(t, secrets[0], secrets[1])), derived(t, generated)...)
	if got := derived(t, ring); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys %v, want %v", got, want)
	}
}
