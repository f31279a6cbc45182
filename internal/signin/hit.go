package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Hit is one of the requests that ask for the outcome of one sign-in.
type Hit struct {
	Queue   string       // where it waits for its turn, see [QueueOf]
	Network netip.Prefix // the client's
	ID      string       // of the flow, or of what else happens once
	Code    string
	Owner   Owner
	Brief   bool // a repetition is answered for seconds only
}

// Owner is the digest of what a client chose for its first request and must know to
// be answered again. The zero owner has chosen nothing.
type Owner [sha256.Size]byte

// briefTTL is how long a spent code answers repetitions that bring no secret of their
// own: long enough for a connection that broke, and no longer (attack: a code that was
// read in a log or on the way, sent once more, gets its owner's token).
const briefTTL = 5 * time.Second

// errForeign says that a code was spent by a request with another nonce. It is
// answered like any spent code, and nothing is asked of WeChat.
var errForeign = fmt.Errorf("signin: the code was spent with another nonce: %w", wechat.ErrReuse)

// OnceKey names what happens once, in [Once]. It shows nothing of its parts: codes
// are among them.
func OnceKey(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts)) // quoted: no two lists read alike
	return parts[0] + "-" + hex.EncodeToString(sum[:])
}

// QueueOf names the place where sign-ins with an account's codes wait.
func QueueOf(a wechat.Account) string { return string(a.Kind) + " " + a.Credentials.AppID }

// owns reports whether the hit may have what an owner left.
func (h Hit) owns(o Owner) bool { return subtle.ConstantTimeCompare(h.Owner[:], o[:]) == 1 }

// keys are what an outcome of the hit is kept under: by the flow, and a snapshot's by
// its code too.
func (h Hit) keys() []resultKey {
	return []resultKey{{flow: h.ID}, {flow: h.ID, code: sha256.Sum256([]byte(h.Code))}}
}

// ttl is how long an outcome of the hit answers repetitions.
func (h Hit) ttl(snapshot bool) time.Duration {
	switch {
	case snapshot:
		return snapshotTTL
	case h.Brief:
		return briefTTL
	default:
		return resultTTL
	}
}
