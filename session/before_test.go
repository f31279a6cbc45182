package session_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// valueOfBefore is a session as a gateway made it that knew neither lines nor
// audiences: sealed, in its binary form, and in Redis.
type valueOfBefore struct {
	Name, Sealed, ID, Wire, Key, Record string
}

func valuesOfBefore(t *testing.T) (all []valueOfBefore) {
	t.Helper()
	data, err := os.ReadFile("testdata/before_lines.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// bindingsOfBefore are what they were made for.
var bindingsOfBefore = map[string]session.Binding{
	"cookie":   {Site: "https://shop.example.com", AppID: "wx1234567890abcdef", Audience: session.Cookie},
	"token":    {Site: "http://127.0.0.1:8080", AppID: "wxfedcba0987654321", Audience: session.Token},
	"declined": {Site: "https://shop.example.com", AppID: "wx1234567890abcdef", Audience: session.Cookie},
}

// Sessions of before load in both stores, in every form, until they are
// renewed, which binds them to their audience. Each is a line of its own.
func TestSessionsOfBeforeStillWork(t *testing.T) {
	t.Parallel()
	long := 100 * 365 * 24 * time.Hour // the values have a date
	policy := session.Policy{Idle: long, Lifetime: long}
	for _, v := range valuesOfBefore(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			m, client := mini(t)
			raw, err := hex.DecodeString(v.Record)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Set(v.Key, string(raw)); err != nil {
				t.Fatal(err)
			}
			keys, b := newRing(t, "0123456789abcdef0123456789abcdef"), bindingsOfBefore[v.Name]
			sealed := session.Sealed{Keys: keys, Policy: policy, Tombstones: new(graves)}
			redis := &session.Redis{Client: client, Keys: keys, Policy: policy}
			for name, one := range map[string]struct {
				store session.Store
				value string
			}{"sealed": {sealed, v.Sealed}, "redis": {redis, v.ID}} {
				s, err := one.store.Load(t.Context(), one.value, b)
				if err != nil {
					t.Fatalf("%s: Load: %v", name, err)
				}
				if wire, err := s.MarshalBinary(); err != nil || hex.EncodeToString(wire) != v.Wire {
					t.Errorf("%s: its binary form is %x (%v), want %s", name, wire, err, v.Wire)
				}
				if s.LineID() != s.ID {
					t.Errorf("%s: its line is %s, want its own", name, s.LineID())
				}
				s.Audience = b.Audience
				renewed, err := one.store.Renew(t.Context(), s)
				if err != nil {
					t.Fatalf("%s: Renew: %v", name, err)
				}
				other := b
				other.Audience = session.Cookie + session.Token - b.Audience
				if got, err := one.store.Load(t.Context(), renewed, other); err == nil {
					t.Errorf("%s: renewed, it still loads for another audience: %v", name, got)
				}
				if _, err := one.store.Load(t.Context(), renewed, b); err != nil {
					t.Errorf("%s: renewed, it does not load: %v", name, err)
				}
				if err := one.store.End(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				for _, value := range []string{one.value, renewed} {
					if got, err := one.store.Load(t.Context(), value, b); err == nil {
						t.Errorf("%s: after its end it loads: %v", name, got)
					}
				}
			}
		})
	}
}
