package gate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// ending is the end of one session, and what is done of it: the session ends, the
// business systems are told, and no ticket of it is good any more. One part does
// not wait for another: a visitor who leaves a borrowed phone must be signed out
// even while nothing can be told. A part that is done is not done again.
type ending struct {
	gate    *Gate
	session session.Session
	reason  string
	at      time.Time
	record  audit.Record
	silent  bool // it replaces a session: no line in the logs

	told, ended, buried bool
}

// newEnding begins a sign-out.
func (g *Gate) newEnding(r *Request, s *session.Session, reason string, at time.Time) *ending {
	e := &ending{gate: g, session: *s, reason: reason, at: at}
	e.record = g.described(r, audit.Record{Action: audit.ActionLogout, Reason: reason, User: s.Person, Session: s.ID})
	// A virtual visitor is nobody's customer. The budget is asked once: another try
	// costs nothing.
	e.told = s.Guest || !g.mayTell(ledger.LoggedOut, s.Person, e.eventID())
	// A ticket may be on its way, and names the session by its id, by which not
	// every store can tell whether it is over (attack: a ticket outlives the
	// logout of the one who asked for it).
	e.buried = !g.accountOf(s.AppID).Kind.ClientsHoldTokens()
	return e
}

// silentEnding ends a session of which nothing is told.
func (g *Gate) silentEnding(s *session.Session) *ending {
	return &ending{gate: g, session: *s, silent: true, told: true, buried: true}
}

// key names the end in UnfinishedEnds.
func (e *ending) key() string { return "session " + e.session.ID.String() }

func (e *ending) eventID() string { return EventID(ledger.LoggedOut, e.session.ID.String()) }

// finish does what is left. The event comes first: a gateway that dies in between
// has the visitor repeat the sign-out.
func (e *ending) finish(ctx context.Context) error {
	err := errors.Join(e.tell(ctx), e.end(ctx), e.bury(ctx))
	if err != nil || e.silent {
		return err
	}
	e.gate.Logger.Info("signed out", slog.String("session", e.session.ID.Short()))
	audit.Write(e.gate.Audit, e.record)
	return nil
}

func (e *ending) tell(ctx context.Context) error {
	if e.told {
		return nil
	}
	s := &e.session
	err := e.gate.Hub.Ledger.Tell(ctx, ledger.Event{
		ID: e.eventID(), Kind: ledger.LoggedOut, Person: s.Person, AppID: s.AppID, OpenID: s.OpenID, Reason: e.reason, At: e.at,
	})
	if err != nil {
		return fmt.Errorf("gate: tell %s: %w", ledger.LoggedOut, outage.During(outage.CallWrite, err))
	}
	e.gate.log().Worked(outage.Write)
	e.told = true
	return nil
}

func (e *ending) end(ctx context.Context) error {
	if e.ended {
		return nil
	}
	if err := e.gate.Hub.Store.End(ctx, &e.session); err != nil {
		return fmt.Errorf("gate: end session: %w", outage.During(outage.CallEnd, err))
	}
	e.gate.log().Worked(outage.End)
	e.ended = true
	return nil
}

func (e *ending) bury(ctx context.Context) error {
	if e.buried {
		return nil
	}
	if err := e.gate.Hub.Ledger.EndSession(ctx, e.session.ID, time.Now().Add(2*cookies.TicketLife)); err != nil {
		return fmt.Errorf("gate: end the tickets of a session: %w", outage.During(outage.CallWrite, err))
	}
	e.buried = true
	return nil
}

// finishOrKeep carries an end out. What fails is kept and tried again, and is found
// by the value that the visitor has for the session, "" if that is not known.
func (g *Gate) finishOrKeep(ctx context.Context, e *ending, value string) error {
	err := e.finish(ctx)
	if err == nil {
		return nil
	}
	kept := &unfinishedEnd{key: e.key(), line: e.session.LineID(), finish: e.finish}
	if value != "" {
		kept.value = sha256.Sum256([]byte(value))
	}
	g.Hub.Unfinished.keep(kept)
	return err
}

// finishEnd is for a sign-out whose session is over on this gateway already. It
// fails if that end may not be stored (attack: a 200 for a sign-out that never
// happened).
func (g *Gate) finishEnd(r *Request) error {
	values := []string{r.token.value}
	if !r.token.sent {
		values, _ = r.sessionValues()
	}
	ctx, cancel := g.storeContext(r)
	defer cancel()
	for _, value := range values {
		if err := g.finishEndOf(ctx, r, value); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gate) finishEndOf(ctx context.Context, r *Request, value string) error {
	if value == "" {
		return nil
	}
	if kept := g.Hub.Unfinished.find(value, session.ID{}); kept != nil {
		return g.Hub.Unfinished.try(ctx, kept)
	}
	s, err := g.peek(ctx, r, value)
	if err != nil || s == nil {
		return err
	}
	if kept := g.Hub.Unfinished.find("", s.LineID()); kept != nil {
		return g.Hub.Unfinished.try(ctx, kept)
	}
	if !g.unwritten(s) {
		return nil
	}
	return g.finishOrKeep(ctx, g.newEnding(r, s, audit.ReasonVisitor, time.Now()), value)
}

// unwritten reports whether the session's end may be known to this gateway alone.
func (g *Gate) unwritten(s *session.Session) bool {
	if g.Hub.Unfinished.doubtful() {
		return true
	}
	unwritten := g.Hub.Unwritten
	return unwritten != nil && (unwritten(s.LineID(), s.Person) || unwritten(s.ID, s.Person))
}

// peek returns the session of a value, whatever this gateway remembers of its end;
// nil if there is none.
func (g *Gate) peek(ctx context.Context, r *Request, value string) (*session.Session, error) {
	sealed := session.Sealed{Keys: g.Hub.Keys, Policy: g.Hub.Policy}
	for _, a := range append([]Account{g.Account}, g.Doors...) {
		if r.token.sent && !a.Kind.ClientsHoldTokens() {
			continue
		}
		if s, err := sealed.Load(ctx, value, r.binding(a)); err == nil {
			return s, nil
		}
	}
	s, err := g.load(ctx, r, value, nil)
	switch {
	case err == nil:
		return s, nil
	case isNobody(err):
		return nil, nil
	default:
		return nil, fmt.Errorf("gate: load session: %w", err)
	}
}
