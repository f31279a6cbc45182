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
	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// Store is the part of the session store that ending a session uses.
type Store interface {
	End(ctx context.Context, s *session.Session) error
}

// Ledger is the part of the ledger that ending a session uses.
type Ledger interface {
	// EndSession remembers until the given time that this session has ended.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
}

// Ends ends sessions. All fields but Unfinished and Audit are required.
type Ends struct {
	Store  Store
	Ledger Ledger
	Teller notice.Teller
	Log    outage.Log
	Audit  audit.Log
	// Unfinished keeps failed ends and retries them. Nil: the caller must
	// repeat them.
	Unfinished *Unfinished
	// Counts counts ended sessions by reason, see [CountReasons]. Nil: they are
	// not counted.
	Counts *counters.Table[counters.Counter]
}

// Ending is the end of one session, and which of its parts are done: the
// session ends, the business systems get an event, and its tickets become
// invalid. No part waits for another: a visitor who returns a borrowed phone
// must be signed out even while events cannot be queued. A part that is done is
// not repeated.
type Ending struct {
	ends    Ends
	session session.Session
	reason  string
	at      time.Time
	record  audit.Record
	silent  bool // the session is being replaced: no log line

	told, ended, buried bool
}

// SignOut prepares a sign-out at a time, by the visitor described in record.
// tickets says that the session may have asked for tickets.
func (e Ends) SignOut(s *session.Session, at time.Time, record audit.Record, tickets bool) *Ending {
	record.Action, record.User, record.Session = audit.ActionLogout, s.Person, s.ID
	end := &Ending{ends: e, session: *s, reason: record.Reason, at: at, record: record}
	// A virtual visitor causes no event. The limit is charged once, not for
	// each retry.
	end.told = s.Guest || !e.Teller.Allow(ledger.LoggedOut, s.Person, end.eventID())
	// A ticket that is still in use names the session by its id, and not every
	// store knows by id that a session has ended (attack: a ticket outlives the
	// logout of the session that asked for it).
	end.buried = !tickets
	return end
}

// Silently prepares the end of a session without an event.
func (e Ends) Silently(s *session.Session) *Ending {
	return &Ending{ends: e, session: *s, silent: true, told: true, buried: true}
}

// endingKey names the end of a session in [Unfinished].
func endingKey(id session.ID) string { return "session " + id.String() }

func (e *Ending) eventID() string { return notice.EventID(ledger.LoggedOut, e.session.ID.String()) }

// finish does the remaining parts. The event comes first: if the gateway
// crashes after it, the visitor repeats the sign-out.
func (e *Ending) finish(ctx context.Context) error {
	err := errors.Join(e.tell(ctx), e.end(ctx), e.bury(ctx))
	if err != nil || e.silent {
		return err
	}
	e.ends.Log.Logger.Info("signed out", slog.String("session", e.session.ID.Short()))
	e.ends.Audit.Write(e.record)
	return nil
}

func (e *Ending) tell(ctx context.Context) error {
	if e.told {
		return nil
	}
	s := &e.session
	err := e.ends.Teller.Queue(ctx, ledger.Event{
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
	e.count()
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

// FinishOrKeep carries the end out. Failed parts are kept and retried, and can
// be found by value, the visitor's cookie or token of the session; "" if
// unknown.
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
