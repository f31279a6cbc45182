package notice

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

// Ledger is what a teller asks of the ledger.
type Ledger interface {
	// Tell keeps something for the business systems that is no change of a
	// person; one with an id that is kept already is kept once.
	Tell(ctx context.Context, e ledger.Event) error
}

// Teller keeps events about visitors for the business systems, within limits. All
// fields are needed.
type Teller struct {
	Ledger Ledger
	Limits *Limits // of all sites
	Untold *Untold // of this one
	Log    outage.Log
}

// Keep keeps an event, whatever the limits say.
func (t Teller) Keep(ctx context.Context, e ledger.Event) error {
	if err := t.Ledger.Tell(ctx, e); err != nil {
		return outage.During(outage.CallWrite, err)
	}
	t.Log.Worked(outage.Write)
	return nil
}

// Tell keeps an event about a session, within the limit of its person.
func (t Teller) Tell(ctx context.Context, s *session.Session, e ledger.Event) error {
	e.Person, e.AppID, e.OpenID = s.Person, s.AppID, s.OpenID
	if !t.May(e.Kind, e.Person, e.ID) {
		return nil
	}
	if err := t.Keep(ctx, e); err != nil {
		return fmt.Errorf("notice: tell %s: %w", e.Kind, err)
	}
	return nil
}

// TellSignIn tells of a sign-in of which WeChat was not asked anew, before its
// session is made; what is what led to it, and can be spent once.
func (t Teller) TellSignIn(ctx context.Context, s *session.Session, unionID, reason, what string) error {
	return t.Tell(ctx, s, ledger.Event{
		ID: EventID(ledger.SignedIn, reason, what), Kind: ledger.SignedIn, UnionID: unionID, Scope: s.Scope, Reason: reason, At: time.Now(),
	})
}
