package wechat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	const value = "hush-hush-0123456789"
	s := NewSecret(value)
	type hidden struct{ inner Secret } // fmt calls no methods on it
	things := []any{
		s, &s,
		[]Secret{s},
		map[string]Secret{"k": s},
		map[Secret]int{s: 1},
		Credentials{AppID: "a", Secret: s},
		&Credentials{Secret: s},
		Token{AccessToken: s, RefreshToken: s},
		&Token{AccessToken: s},
		hidden{s},
		&hidden{s},
		[]any{hidden{s}},
	}
	for _, thing := range things {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%10.3v", "%U"} {
			fmt.Fprintf(&out, verb+"\n", thing)
		}
		encoded, _ := json.Marshal(thing)
		out.Write(encoded)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "k", thing)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "k", thing)
		text := out.String()
		if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) || strings.Contains(text, fmt.Sprintf("%X", value)) {
			t.Errorf("%T printed its secret:\n%s", thing, text)
		}
	}
	for _, got := range []string{s.String(), s.GoString(), fmt.Sprint(s), fmt.Sprintf("%x", s), fmt.Sprint(Secret{})} {
		if got != "REDACTED" {
			t.Errorf("got %q", got)
		}
	}
}

func TestSecretValue(t *testing.T) {
	t.Parallel()
	s := NewSecret("abc")
	if s.Reveal() != "abc" || s.IsZero() || s != NewSecret("ab"+string('c')) || s == NewSecret("abd") {
		t.Error("a secret is its string")
	}
	if zero := (Secret{}); zero.Reveal() != "" || !zero.IsZero() || !NewSecret("").IsZero() || zero != NewSecret("") {
		t.Error("the zero value is the empty secret")
	}
}
