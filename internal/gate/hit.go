package gate

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// hit is one of the requests that ask for the outcome of one sign-in.
type hit struct {
	door    string       // where it waits for its turn; see admissions
	network netip.Prefix // the client's
	id      string       // of the flow, or of what else happens once
	code    string
	owner   owner
	brief   bool // a repetition is answered for seconds only
}

// owner is the digest of what a client chose for its first request and must know to
// be answered again. The zero owner has chosen nothing.
type owner [sha256.Size]byte

// briefTTL is how long a spent code answers repetitions that bring no secret of their
// own: long enough for a connection that broke, and no longer (attack: a code that was
// read in a log or on the way, sent once more, gets its owner's token).
const briefTTL = 5 * time.Second

// errForeign says that a code was spent by a request with another nonce. It is
// answered like any spent code, and nothing is asked of WeChat.
var errForeign = fmt.Errorf("gate: the code was spent with another nonce: %w", wechat.ErrReuse)

// hit is a request's hit at a door.
func (r *Request) hit(door, id, code string) hit {
	return hit{door: door, network: r.network(), id: id, code: code}
}

// doorOf names the place where sign-ins with an account's codes wait.
func doorOf(a wechat.Account) string { return string(a.Kind) + " " + a.Credentials.AppID }

// owns reports whether the hit may have what an owner left.
func (h hit) owns(o owner) bool { return subtle.ConstantTimeCompare(h.owner[:], o[:]) == 1 }

// keys are what an outcome of the hit is kept under: by the flow, and a snapshot's by
// its code too.
func (h hit) keys() []resultKey {
	return []resultKey{{flow: h.id}, {flow: h.id, code: sha256.Sum256([]byte(h.code))}}
}

// ttl is how long an outcome of the hit answers repetitions.
func (h hit) ttl(snapshot bool) time.Duration {
	switch {
	case snapshot:
		return snapshotTTL
	case h.brief:
		return briefTTL
	default:
		return resultTTL
	}
}
