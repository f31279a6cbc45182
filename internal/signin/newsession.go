package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/session"
)

// maxDatedAhead bounds how far a session is dated ahead: its person may be
// signed out in the second of the sign-in, by a clock that is one second ahead.
const maxDatedAhead = 2 * time.Second

// SaveNew saves a session that was just made. Times are whole seconds, and an
// end of all sessions of a person covers its whole second. A session made in
// that second gets Created one second later; otherwise it would end at once.
// The ledger and the store may have recorded the end in different seconds.
//
// An end that lies further ahead counts as now, because the clock that recorded
// it is wrong.
//
// The browser's previous session is replaced if it belongs to the same person;
// then both are in one line. Another person's is ended first.
func (s Signer) SaveNew(ctx context.Context, made *session.Session, person ledger.Person, who Visitor) (value string, err error) {
	bound := made.Line != session.ID{} // the session ends with the session that led to it
	joinLine(made, person, who)
	if err := s.endPrevious(ctx, made, who.Previous); err != nil {
		return "", err
	}
	now := time.Now().UTC().Truncate(time.Second)
	s.dateAfterEnd(made, now)
	for {
		value, err = s.saveInLine(ctx, made, bound)
		later := made.Created.Add(time.Second)
		if !errors.Is(err, session.ErrEnded) || errors.Is(err, session.ErrLineEnded) || later.After(now.Add(maxDatedAhead)) {
			break
		}
		made.Created, made.Renewed = later, later
	}
	if err != nil {
		return "", outage.During(outage.CallSave, err)
	}
	s.Log.Worked(outage.Save)
	s.Counts.made(s.NameOf(made.AppID))
	s.replace(ctx, made, who)
	return value, nil
}

// dateAfterEnd dates a new session ahead if an end of all sessions of its
// person, or of everyone, covers the second of now.
func (s Signer) dateAfterEnd(made *session.Session, now time.Time) {
	if s.PersonEnded == nil {
		return
	}
	at := s.PersonEnded(made.Person)
	if !made.EndedBy(at) {
		return
	}
	made.Created = now.Add(time.Second)
	if after := at.Truncate(time.Second).Add(time.Second); !after.After(now.Add(maxDatedAhead)) {
		made.Created = after
	}
	made.Renewed = made.Created
}

// SaveDerived is SaveNew for a session that was made from another one and keeps
// its date: an end of that session's person ends it, too.
func (s Signer) SaveDerived(ctx context.Context, made *session.Session, person ledger.Person, who Visitor) (value string, err error) {
	joinLine(made, person, who)
	if err := s.endPrevious(ctx, made, who.Previous); err != nil {
		return "", err
	}
	if value, err = s.saveInLine(ctx, made, false); err != nil {
		return "", outage.During(outage.CallSave, err)
	}
	s.Log.Worked(outage.Save)
	s.Counts.made(s.NameOf(made.AppID))
	s.replace(ctx, made, who)
	return value, nil
}

// saveInLine saves a new session in its line. If that line has ended, the
// session starts a new line, so that it does not end with the old one. A bound
// session is refused instead (attack: a ticket that races the logout of its
// token).
func (s Signer) saveInLine(ctx context.Context, made *session.Session, bound bool) (string, error) {
	value, err := s.Store.Save(ctx, made)
	if errors.Is(err, session.ErrLineEnded) && !bound {
		made.Line = session.ID{}
		value, err = s.Store.Save(ctx, made)
	}
	return value, err
}

// The sessions that one browser makes one after another on a site form one line
// and end together (see [session.Session.LineID]). A new sign-in replaces the
// browser's previous session, so that a copy of its cookie soon becomes
// useless.

// joinLine sets the line of a new session. A line set by the caller stays: a
// ticket's session is in its token's line. Otherwise it is the line of the
// browser's previous session if that belongs to the same person, or else one
// derived from the browser's name, so that two simultaneous first sign-ins end
// together. A person whose records were merged keeps the earlier id in the
// line: all sessions of a line must have one id, or a store could not end them
// in one step.
func joinLine(s *session.Session, person ledger.Person, who Visitor) {
	before := who.Previous
	switch {
	case s.Guest || s.Line != session.ID{}:
	case before != nil && !before.Guest && person.Is(before.Person):
		s.Person, s.Line = before.Person, before.LineID()
		if s.Scope == session.ScopeBase && before.Declined.After(s.Declined) {
			s.Declined = before.Declined // the same person is not asked again
		}
	case who.Browser != "":
		sum := sha256.Sum256(fmt.Appendf(nil, "wechat line %q %q", who.Browser, s.Person))
		s.Line = session.ID(sum[:16])
	}
}

// endPrevious ends the browser's previous session if it is in another line:
// another person's, a guest's, or one of another way in. It ends that whole
// line before the new session is made.
func (s Signer) endPrevious(ctx context.Context, made, before *session.Session) error {
	if before == nil || continues(made, before) {
		return nil
	}
	// A failed end is kept: the visitor repeats the sign-in, and by then the
	// session has ended on this gateway.
	if err := s.Ends.Silently(before).FinishOrKeep(ctx, ""); err != nil {
		return fmt.Errorf("signin: end the previous session: %w", err)
	}
	return nil
}

// replace lets the browser's previous session answer for a few more seconds. If
// that fails, the session stays valid and ends with its line.
func (s Signer) replace(ctx context.Context, made *session.Session, who Visitor) {
	before := who.Previous
	if before == nil || !continues(made, before) {
		return
	}
	if err := s.Store.Replace(ctx, before); err != nil {
		s.Log.Note(slog.LevelWarn, "could not end the replaced session", s.NameOf(before.AppID), who.Flow, outage.During(outage.CallEnd, err))
		return
	}
	s.Log.Worked(outage.End)
	s.Ends.Counts.Of(signout.CountReplaced).Inc()
}

// continues reports whether a session is in the same line as the one before it.
func continues(s, before *session.Session) bool {
	return !s.Guest && !before.Guest && s.Person == before.Person && s.LineID() == before.LineID()
}
