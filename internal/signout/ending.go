package signout

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
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// Store is what the end of a session asks of the session store.
type Store interface {
	End(ctx context.Context, s *session.Session) error
}

// Ledger is what the end of a session asks of the ledger.
type Ledger interface {
	// EndSession remembers until the given time that this session was ended.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
}

// Ends ends sessions. All fields but Unfinished and Audit are needed.
type Ends struct {
	Store  Store
	Ledger Ledger
	Teller notice.Teller
	Log    outage.Log
	Audit  *slog.Logger
	// Unfinished keeps ends that failed, and tries them again. Nil: they must be
	// repeated.
	Unfinished *Unfinished
}

// Ending is the end of one session, and what is done of it: the session ends, the
// business systems are told, and no ticket of it is good any more. One part does
// not wait for another: a visitor who leaves a borrowed phone must be signed out
// even while nothing can be told. A part that is done is not done again.
type Ending struct {
	ends    Ends
	session session.Session
	reason  string
	at      time.Time
	record  audit.Record
	silent  bool // it replaces a session: no line in the logs

	told, ended, buried bool
}

// SignOut begins a sign-out at a time, by a visitor who is described in the record.
// tickets says that the session may have asked for some.
func (e Ends) SignOut(s *session.Session, at time.Time, record audit.Record, tickets bool) *Ending {
	record.Action, record.User, record.Session = audit.ActionLogout, s.Person, s.ID
	end := &Ending{ends: e, session: *s, reason: record.Reason, at: at, record: record}
	// A virtual visitor is nobody's customer. The budget is asked once: another try
	// costs nothing.
	end.told = s.Guest || !e.Teller.May(ledger.LoggedOut, s.Person, end.eventID())
	// A ticket may be on its way, and names the session by its id, by which not
	// every store can tell whether it is over (attack: a ticket outlives the
	// logout of the one who asked for it).
	end.buried = !tickets
	return end
}

// Silently ends a session of which nothing is told.
func (e Ends) Silently(s *session.Session) *Ending {
	return &Ending{ends: e, session: *s, silent: true, told: true, buried: true}
}

// endingKey names the end of a session in [Unfinished].
func endingKey(id session.ID) string { return "session " + id.String() }

func (e *Ending) eventID() string { return notice.EventID(ledger.LoggedOut, e.session.ID.String()) }

// finish does what is left. The event comes first: a gateway that dies in between
// has the visitor repeat the sign-out.
func (e *Ending) finish(ctx context.Context) error {
	err := errors.Join(e.tell(ctx), e.end(ctx), e.bury(ctx))
	if err != nil || e.silent {
		return err
	}
	e.ends.Log.Logger.Info("signed out", slog.String("session", e.session.ID.Short()))
	audit.Write(e.ends.Audit, e.record)
	return nil
}

func (e *Ending) tell(ctx context.Context) error {
	if e.told {
		return nil
	}
	s := &e.session
	err := e.ends.Teller.Keep(ctx, ledger.Event{
		ID: e.eventID(), Kind: ledger.LoggedOut, Person: s.Person, AppID: s.AppID, OpenID: s.OpenID, Reason: e.reason, At: e.at,
	})
	if err != nil {
		return fmt.Errorf("signout: tell %s: %w", ledger.LoggedOut, err)
	}
	e.told = true
	return nil
}

func (e *Ending) end(ctx context.Context) error {
	if e.ended {
		return nil
	}
	if err := e.ends.Store.End(ctx, &e.session); err != nil {
		return fmt.Errorf("signout: end session: %w", outage.During(outage.CallEnd, err))
	}
	e.ends.Log.Worked(outage.End)
	e.ended = true
	return nil
}

func (e *Ending) bury(ctx context.Context) error {
	if e.buried {
		return nil
	}
	if err := e.ends.Ledger.EndSession(ctx, e.session.ID, time.Now().Add(2*cookies.TicketLife)); err != nil {
		return fmt.Errorf("signout: end the tickets of a session: %w", outage.During(outage.CallWrite, err))
	}
	e.buried = true
	return nil
}

// FinishOrKeep carries the end out. What fails is kept and tried again, and is found
// by the value that the visitor has for the session, "" if that is not known.
func (e *Ending) FinishOrKeep(ctx context.Context, value string) error {
	err := e.finish(ctx)
	if err == nil {
		return nil
	}
	kept := &unfinishedEnd{key: endingKey(e.session.ID), line: e.session.LineID(), finish: e.finish}
	if value != "" {
		kept.value = sha256.Sum256([]byte(value))
	}
	e.ends.Unfinished.keep(kept)
	return err
}
