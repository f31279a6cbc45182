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

// eventEncoding is the ledger's encoding of event ids.
var eventEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// EventID derives an event's id from its cause, so that queuing it again has no
// effect. The id reveals nothing of the parts, which are ids of sessions and
// dances, of 128 random bits.
func EventID(kind ledger.EventKind, parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", append([]string{string(kind)}, parts...)) // quoted: different lists give different texts
	return eventEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Ledger is the part of the ledger that a Teller uses.
type Ledger interface {
	// Tell queues an event that does not change a person. An event whose id is
	// already queued is ignored.
	Tell(ctx context.Context, e ledger.Event) error
}

// Teller queues events about visitors for the business systems, within limits.
// All fields are required.
type Teller struct {
	Ledger Ledger
	Limits *Limits // of all sites
	Untold *Untold // of this one
	Log    outage.Log
}

// Queue queues an event without regard to the limits.
func (t Teller) Queue(ctx context.Context, e ledger.Event) error {
	if err := t.Ledger.Tell(ctx, e); err != nil {
		return outage.During(outage.CallWrite, err)
	}
	t.Log.Worked(outage.Write)
	return nil
}

// Tell queues an event about a session, within the limit of its person.
func (t Teller) Tell(ctx context.Context, s *session.Session, e ledger.Event) error {
	e.Person, e.AppID, e.OpenID = s.Person, s.AppID, s.OpenID
	if !t.Allow(e.Kind, e.Person, e.ID) {
		return nil
	}
	if err := t.Queue(ctx, e); err != nil {
		return fmt.Errorf("notice: tell %s: %w", e.Kind, err)
	}
	return nil
}

// TellSignIn queues the event of a sign-in without a call to WeChat, before its
// session is made. what identifies the ticket or code that led to it and can be
// used once.
func (t Teller) TellSignIn(ctx context.Context, s *session.Session, unionID, reason, what string) error {
	return t.Tell(ctx, s, ledger.Event{
		ID: EventID(ledger.SignedIn, reason, what), Kind: ledger.SignedIn, UnionID: unionID, Scope: s.Scope, Reason: reason, At: time.Now(),
	})
}
