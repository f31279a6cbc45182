package ledger

import (
	"crypto/sha256"
	"encoding/hex"
)

// onceKey is what is kept of a caller's key. Keys may be made of openids: only a hash is kept.
func onceKey(use, key string) string {
	sum := sha256.Sum256([]byte(use + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}
