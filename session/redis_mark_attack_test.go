package session_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// markKey is where the end of a person's sessions stands.
func markKey(person string) string {
	tag, ref := sha256.Sum256([]byte("tag/"+person)), sha256.Sum256([]byte("person/"+person))
	return "wechat:e{" + base64.RawURLEncoding.EncodeToString(tag[:2]) + "}:" + base64.RawURLEncoding.EncodeToString(ref[:12])
}

// Attack: a gateway whose clock is ahead ends a person's sessions, or a writer
// of Redis plants such an end. All that the person signs in from now on would
// be over.
func TestRedisEndOfAPersonInTheFuture(t *testing.T) {
	t.Parallel()
	for name, mark := range map[string]func() any{
		"six minutes ahead": func() any { return time.Now().Add(6 * time.Minute).Unix() },
		"a year ahead":      func() any { return time.Now().AddDate(1, 0, 0).Unix() },
		"for ever":          func() any { return "inf" },
		"not a number":      func() any { return "soon" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, b redistest.Backend) {
				r, client := patient(t, b), b.Client()
				person := "ahead" + session.NewID().String()[:12]
				before := of(person)
				old := mustSave(t, r, before)
				if _, err := r.EndPerson(t.Context(), person); err != nil { // leaves the mark
					t.Fatal(err)
				}
				key := markKey(person)
				if client.Exists(t.Context(), key).Val() != 1 {
					t.Fatal("EndPerson left no mark")
				}
				if err := client.Set(t.Context(), key, mark(), time.Hour).Err(); err != nil {
					t.Fatal(err)
				}
				began := time.Now().Unix()
				late := of(person) // of the second of the end: as before it
				if _, err := r.Save(t.Context(), late); !errors.Is(err, session.ErrEnded) {
					t.Fatalf("Save gave %v, want ErrEnded", err)
				}
				late.Created = late.Created.Add(2 * time.Second)
				late.Renewed = late.Created
				wantSession(t, r, mustSave(t, r, late))
				if _, err := r.Renew(t.Context(), late); err != nil {
					t.Errorf("Renew gave %v", err)
				}
				wantNone(t, r, old)
				if _, err := r.Save(t.Context(), before); !errors.Is(err, session.ErrEnded) {
					t.Errorf("a session of before the end was saved: %v", err)
				}
				kept, err := client.Get(t.Context(), key).Int64()
				if err != nil || kept < began || kept > time.Now().Unix() {
					t.Errorf("the mark is %d, %v, want a time of the test", kept, err)
				}
				if left := client.PTTL(t.Context(), key).Val(); left <= 0 || left > time.Hour {
					t.Errorf("the mark is kept for %s", left)
				}
			})
		})
	}
}
