package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
)

// ID is the random name of one session: 128 bits. It does not change while the
// session lives, and is never used twice.
type ID [16]byte

// NewID draws a new id from the system's secure random source.
func NewID() ID {
	var id ID
	// Never fails: crypto/rand ends the process rather than return weak bytes.
	_, _ = rand.Read(id[:])
	return id
}

// String returns the id as 32 lower-case hexadecimal digits. It is for stores;
// logs take Short.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short returns 8 hexadecimal digits of a SHA-256 of the id: enough to follow a
// session through a log, useless for anything else.
func (id ID) Short() string {
	sum := sha256.Sum256(id[:])
	return hex.EncodeToString(sum[:4])
}

// LogValue makes structured logs show the short form.
func (id ID) LogValue() slog.Value { return slog.StringValue(id.Short()) }
