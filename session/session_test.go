package session_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

func TestNewDrawsANewID(t *testing.T) {
	t.Parallel()
	seen := map[session.ID]bool{}
	for range 1000 {
		s := newSession()
		if s.ID == (session.ID{}) || seen[s.ID] {
			t.Fatalf("the id %s was drawn before", s.ID)
		}
		seen[s.ID] = true
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	s := session.New(shop, "person", "openid", session.ScopeBase)
	if s.Binding() != shop || s.Person != "person" || s.OpenID != "openid" || s.Scope != session.ScopeBase {
		t.Errorf("New gave %s", fields(*s))
	}
	if s.Guest || !s.Declined.IsZero() || !s.Created.Equal(s.Renewed) {
		t.Errorf("New gave %s", fields(*s))
	}
	if age := time.Since(s.Created); age < 0 || age > time.Minute || s.Created.Nanosecond() != 0 {
		t.Errorf("New was made at %s", s.Created)
	}
}

func TestIDForms(t *testing.T) {
	t.Parallel()
	id := session.ID{0: 0xab, 15: 0x01}
	if got, want := id.String(), "ab000000000000000000000000000001"; got != want {
		t.Errorf("String gave %s, want %s", got, want)
	}
	short := id.Short()
	if len(short) != 8 || strings.Contains(id.String(), short) || short != id.Short() {
		t.Errorf("Short gave %s", short)
	}
	if short == session.NewID().Short() {
		t.Error("two ids have the same short form")
	}
}

// Whatever is printed or logged: not the id, which names the session in stores,
// not the openid, and no key.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	s, ring := newSession(), newRing(t, secrets...)
	keeper := &session.KeyManager{Storage: newKeyStore(), Name: "keys"}
	if _, err := keeper.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	values := []any{
		s, *s, s.ID.Short(), ring, keeper,
		session.Sealed{Keys: ring},
		&session.Sealed{Keys: ring},
		struct{ Ring *session.Ring }{ring},
		[]*session.Session{s},
		[]session.Session{*s},
	}
	var out bytes.Buffer
	text, asJSON := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{s, *s, s.ID, ring, keeper} {
		text.Info("text", "value", v)
		asJSON.Info("json", "value", v)
	}
	data, err := json.Marshal(ring)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	forbidden := append([]string{s.ID.String(), s.OpenID, s.Person, "0123456789012"}, keeper.Storage.(*keyStore).secrets(t)...)
	for _, word := range forbidden {
		if strings.Contains(out.String(), word) || strings.Contains(out.String(), fmt.Sprintf("%x", word)) {
			t.Errorf("%q is printed in:\n%s", word, out.String())
		}
	}
	if !strings.Contains(out.String(), s.ID.Short()) || !strings.Contains(out.String(), "redacted") {
		t.Errorf("the safe forms are missing in:\n%s", out.String())
	}
}
