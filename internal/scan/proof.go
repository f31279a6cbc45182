package scan

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// A phone confirms a code only with a session that a sign-in with WeChat made
// for this code. The sign-in sets a proof in a cookie that is sent only to the
// code's address. A session cookie alone is no proof: an attacker with a copied
// cookie could confirm a code of the attacker's own browser, and that session
// would outlive the visitor's logout and could confirm the next code (attack: a
// copied cookie makes sessions without end).
const (
	purposeProof = "scan-proof"
	proofLength  = digestLength + len(session.ID{}) + 8
)

// Proof names the session that was made for a code, and when.
type Proof struct {
	code    [digestLength]byte
	session session.ID
	made    time.Time // whole seconds
}

// Proof returns a proof, dated now, that a session was made for the code.
func (c Code) Proof(id session.ID) Proof {
	return Proof{code: c.Digest, session: id, made: time.Now()}
}

// Proves reports whether the proof is for this code and this session, and is
// still valid. The clocks of two gateways may differ.
func (p Proof) Proves(c Code, id session.ID) bool {
	code := subtle.ConstantTimeCompare(p.code[:], c.Digest[:])
	same := subtle.ConstantTimeCompare(p.session[:], id[:])
	inTime := !p.made.Before(c.Begun.Add(-session.MaxSkew)) && !p.made.After(time.Now().Add(session.MaxSkew))
	return code&same == 1 && inTime
}

func (p Proof) encode() []byte {
	b := append(make([]byte, 0, proofLength), p.code[:]...)
	b = append(b, p.session[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(p.made.Unix()))
}

// decodeProof reads only what encode wrote.
func decodeProof(b []byte) (p Proof, ok bool) {
	if len(b) != proofLength {
		return Proof{}, false
	}
	rest := b[copy(p.code[:], b):]
	rest = rest[copy(p.session[:], rest):]
	seconds := binary.BigEndian.Uint64(rest)
	if seconds > 1<<40 {
		return Proof{}, false
	}
	p.made = time.Unix(int64(seconds), 0)
	return p, true
}

// Seal seals the proof for a cookie, bound to a site and its official account.
func (p Proof) Seal(keys *session.Ring, bound string) (string, error) {
	sealed, err := keys.Seal(purposeProof, bound, p.encode())
	if err != nil {
		return "", fmt.Errorf("scan: seal proof: %w", err)
	}
	return sealed, nil
}

// OpenProof reads a proof from a cookie's value.
func OpenProof(keys *session.Ring, bound, sealed string) (p Proof, ok bool) {
	plain, err := keys.Open(purposeProof, bound, sealed)
	if err != nil {
		return Proof{}, false
	}
	return decodeProof(plain)
}
