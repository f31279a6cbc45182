package gate

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// eventEncoding is how the ledger writes the ids of events.
var eventEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// EventID names an event by what it tells of, so that telling it again tells it
// once. It shows nothing of the parts: they are ids of sessions and dances, of
// 128 random bits.
func EventID(kind ledger.EventKind, parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", append([]string{string(kind)}, parts...)) // quoted: no two lists read alike
	return eventEncoding.EncodeToString(h.Sum(nil)[:16])
}

// tell keeps an event about a session for the business systems, within the limit
// of its person.
func (g *Gate) tell(ctx context.Context, s *session.Session, e ledger.Event) error {
	e.Person, e.AppID, e.OpenID = s.Person, s.AppID, s.OpenID
	if !g.mayTell(e.Kind, e.Person, e.ID) {
		return nil
	}
	if err := g.Hub.Ledger.Tell(ctx, e); err != nil {
		return fmt.Errorf("gate: tell %s: %w", e.Kind, outage.During(outage.CallWrite, err))
	}
	g.log().Worked(outage.Write)
	return nil
}

// tellSignIn tells of a sign-in of which WeChat was not asked anew, before its
// session is made; what is what led to it, and can be spent once.
func (g *Gate) tellSignIn(ctx context.Context, s *session.Session, unionID, reason, what string) error {
	return g.tell(ctx, s, ledger.Event{
		ID: EventID(ledger.SignedIn, reason, what), Kind: ledger.SignedIn, UnionID: unionID, Scope: s.Scope, Reason: reason, At: time.Now(),
	})
}
