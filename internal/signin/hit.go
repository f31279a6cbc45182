package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Hit is one of the requests for the outcome of one sign-in.
type Hit struct {
	Queue         string       // where the hit waits for its turn, see [QueueOf]
	Network       netip.Prefix // of the client
	ID            string       // the flow's id, or the key of something else that happens once
	Code          string
	NonceHash     NonceHash
	RepeatBriefly bool // a repetition is answered only for a few seconds
}

// NonceHash is the digest of the nonce that a client chose for its first
// request and must repeat to get the answer again. The zero NonceHash means
// that the client chose none.
type NonceHash [sha256.Size]byte

// briefTTL is how long a repetition without a nonce gets the answer of a spent
// code: long enough for a retry after a broken connection, and no longer
// (attack: a code that was read in a log or in transit, sent once more, gets
// its owner's token).
const briefTTL = 5 * time.Second

// errOtherNonce says that a code was spent by a request with another nonce. It
// is answered like any spent code, without a call to WeChat.
var errOtherNonce = fmt.Errorf("signin: the code was spent with another nonce: %w", wechat.ErrReuse)

// KeyName returns the beginning of a key of [OnceKey], as the name of a sign-in
// in the log. Too little of the hash is left to test a guessed code against it,
// and WeChat's codes are not guessed.
func KeyName(key string) string {
	_, hash, _ := strings.Cut(key, "-")
	return hash[:min(len(hash), 8)]
}

// OnceKey returns a key for something that happens once, in [Once]. It reveals
// nothing of its parts, which may be codes.
func OnceKey(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts)) // quoted: different lists give different texts
	return parts[0] + "-" + hex.EncodeToString(sum[:])
}

// QueueOf names the queue of sign-ins with an account's codes.
func QueueOf(a wechat.Account) string { return string(a.Kind) + " " + a.Credentials.AppID }

// sameNonce reports whether the hit may get the outcome of a hit with this
// nonce.
func (h Hit) sameNonce(n NonceHash) bool {
	return subtle.ConstantTimeCompare(h.NonceHash[:], n[:]) == 1
}

// keys returns the keys of the hit's outcome: the flow, and for a snapshot the
// flow with the code.
func (h Hit) keys() []resultKey {
	return []resultKey{{flow: h.ID}, {flow: h.ID, code: sha256.Sum256([]byte(h.Code))}}
}

// ttl is how long an outcome of the hit answers repetitions.
func (h Hit) ttl(snapshot bool) time.Duration {
	switch {
	case snapshot:
		return snapshotTTL
	case h.RepeatBriefly:
		return briefTTL
	default:
		return resultTTL
	}
}
