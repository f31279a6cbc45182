package gate

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// A phone confirms a code only with a session that a sign-in with WeChat made for
// this very code. The sign-in leaves a proof of that, in a cookie that is sent to the
// code's address only. A session cookie alone is no phone: a copy of it would confirm
// a code of the thief's own browser, whose session would outlive the visitor's logout
// and could confirm the next (attack: a copied cookie mints sessions without end).
const (
	purposeScanProof = "scan-proof"
	scanProofLength  = scanDigest + len(session.ID{}) + 8

	// scanBack is the query of a code's address for a phone that comes from WeChat:
	// without a proof there it reads a page, and is not sent round once more.
	scanBack = "back"
)

// scanProof says which session was made for which code, and when.
type scanProof struct {
	code    [scanDigest]byte
	session session.ID
	made    time.Time // whole seconds
}

// proves reports whether the proof is of this code and this session. The clocks of
// two gateways may differ.
func (p scanProof) proves(c scanCode, id session.ID) bool {
	code := subtle.ConstantTimeCompare(p.code[:], c.digest[:])
	same := subtle.ConstantTimeCompare(p.session[:], id[:])
	inTime := !p.made.Before(c.begun.Add(-session.MaxSkew)) && !p.made.After(time.Now().Add(session.MaxSkew))
	return code&same == 1 && inTime
}

func (p scanProof) encode() []byte {
	b := append(make([]byte, 0, scanProofLength), p.code[:]...)
	b = append(b, p.session[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(p.made.Unix()))
}

// decodeScanProof reads what encode wrote, and nothing else.
func decodeScanProof(b []byte) (p scanProof, ok bool) {
	if len(b) != scanProofLength {
		return scanProof{}, false
	}
	rest := b[copy(p.code[:], b):]
	rest = rest[copy(p.session[:], rest):]
	seconds := binary.BigEndian.Uint64(rest)
	if seconds > 1<<40 {
		return scanProof{}, false
	}
	p.made = time.Unix(int64(seconds), 0)
	return p, true
}

// codeOf is the code that a sign-in is made for, if it is still good. Such a sign-in
// always asks WeChat: a session that is there does not satisfy it.
func (g *Gate) codeOf(r *Request, f Flow) (c scanCode, fresh bool) {
	if f.Account != "" || !request.IsScanPath(f.Target) {
		return scanCode{}, false // a website's QR page proves no phone
	}
	c, err := g.openScan(r, strings.TrimPrefix(f.Target, request.ScanPath))
	return c, err == nil && !c.expired()
}

// proveScan leaves the proof that a session was made for a code.
func (g *Gate) proveScan(w http.ResponseWriter, r *Request, c scanCode, address string, id session.ID) error {
	proof := scanProof{code: c.digest, session: id, made: time.Now()}
	sealed, err := g.Hub.Keys.Seal(purposeScanProof, g.sealer(r).bound, proof.encode())
	if err != nil {
		return fmt.Errorf("gate: seal the proof of a scan: %w", err)
	}
	cookies.Proof.SetAt(w, r.site, address, sealed)
	return nil
}

// provedScan reports whether the session of r was made for this code.
func (g *Gate) provedScan(r *Request, c scanCode) bool {
	if r.id == nil || r.id.Guest() {
		return false
	}
	for _, sealed := range cookies.Proof.Values(r.Request, r.site) {
		plain, err := g.Hub.Keys.Open(purposeScanProof, g.sealer(r).bound, sealed)
		if err != nil {
			continue
		}
		if p, ok := decodeScanProof(plain); ok && p.proves(c, r.id.session.ID) {
			return true
		}
	}
	return false
}
