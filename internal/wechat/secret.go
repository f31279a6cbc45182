package wechat

import (
	"fmt"
	"io"
	"log/slog"
	"unique"
)

// redacted is printed instead of a secret.
const redacted = "REDACTED"

// Secret is a string that is never printed: every fmt verb, JSON, text encoding
// and slog give "REDACTED". The zero value is the empty secret. Two secrets are
// == if their strings are equal.
type Secret struct {
	// fmt prints unexported fields without calling methods; a handle shows only
	// an address there, not the text.
	handle unique.Handle[string]
}

// NewSecret returns value as a Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{handle: unique.Make(value)}
}

// Reveal returns the string itself. Its result must not reach a log, an error,
// a page or a metric.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "REDACTED".
func (s Secret) String() string { return redacted }

// GoString returns "REDACTED".
func (s Secret) GoString() string { return redacted }

// Format writes "REDACTED" for every verb; %x and %d do not use Stringer.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText returns "REDACTED".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "REDACTED" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "REDACTED".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
