package ledger

import (
	"crypto/sha256"
	"encoding/hex"
)

// onceKey returns the stored form of a caller's key. It is a hash, because keys
// may contain openids.
func onceKey(use, key string) string {
	sum := sha256.Sum256([]byte(use + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}
