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
	"github.com/caddy-wechat/gateway/session"
)

// maxDatedAhead bounds by how much a session is dated ahead: an end of its person
// in the second of its sign-in, as told by a clock that is a second ahead.
const maxDatedAhead = 2 * time.Second

// KeepNew saves a session that was just made. Sessions count whole seconds, and
// the second in which all sessions of a person were ended counts as before: one
// made in it, but after it, is dated one second later, or the person would sign in
// and be nobody, round and round, until the second is over. The ledger and the
// store may have been told in two seconds of their own.
//
// An end that lies further ahead counts as now: the clock that told it is wrong.
//
// The browser's session of before is replaced, if it is the same person's; then
// both are of one line. Another's is ended first.
func (s Signer) KeepNew(ctx context.Context, made *session.Session, person ledger.Person, who Visitor) (value string, err error) {
	bound := made.Line != session.ID{} // to what led to it, with which it ends
	joinLine(made, person, who)
	if err := s.leave(ctx, made, who.Before); err != nil {
		return "", err
	}
	now := time.Now().UTC().Truncate(time.Second)
	if s.PersonEnded != nil {
		if at := s.PersonEnded(made.Person); made.EndedBy(at) {
			made.Created = now.Add(time.Second)
			if after := at.Truncate(time.Second).Add(time.Second); !after.After(now.Add(maxDatedAhead)) {
				made.Created = after
			}
			made.Renewed = made.Created
		}
	}
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
	s.replace(ctx, made, who.Before)
	return value, nil
}

// KeepAsDated is KeepNew for a session that was made from another one, and is as old:
// what ended that one's person ends it too.
func (s Signer) KeepAsDated(ctx context.Context, made *session.Session, person ledger.Person, who Visitor) (value string, err error) {
	joinLine(made, person, who)
	if err := s.leave(ctx, made, who.Before); err != nil {
		return "", err
	}
	if value, err = s.saveInLine(ctx, made, false); err != nil {
		return "", outage.During(outage.CallSave, err)
	}
	s.Log.Worked(outage.Save)
	s.replace(ctx, made, who.Before)
	return value, nil
}

// saveInLine saves a new session in its line, or as the first of another one: what a
// browser signs in after the end of a line does not end with it. One that is bound to
// what led to it does (attack: a ticket that races the logout of its token).
func (s Signer) saveInLine(ctx context.Context, made *session.Session, bound bool) (string, error) {
	value, err := s.Store.Save(ctx, made)
	if errors.Is(err, session.ErrLineEnded) && !bound {
		made.Line = session.ID{}
		value, err = s.Store.Save(ctx, made)
	}
	return value, err
}

// The sessions that one browser makes one after another on a site are one line, and
// end together (see [session.Session.LineID]). A browser that signs in anew has its
// session of before replaced: a copy of that cookie is of no use to anybody soon.

// joinLine puts a new session into its line. What the caller has put there stays, as
// a ticket's is its token's. Else it is that of the browser's session of before, if
// that is the same person's, or else one that follows from the browser: two first
// sign-ins at once know nothing of each other, and end together all the same. A
// person whose records were merged keeps the id of before: all sessions of a line
// have one, or a store could not end them in one step.
func joinLine(s *session.Session, person ledger.Person, who Visitor) {
	before := who.Before
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

// leave ends the browser's session of before, if it is of another line: another
// person's, a guest's, or one of another way in. All of its line goes, before the
// new session is made.
func (s Signer) leave(ctx context.Context, made, before *session.Session) error {
	if before == nil || continues(made, before) {
		return nil
	}
	// Kept if it fails: the sign-in is repeated, and the session over here by then.
	if err := s.Ends.Silently(before).FinishOrKeep(ctx, ""); err != nil {
		return fmt.Errorf("signin: end the session of before: %w", err)
	}
	return nil
}

// replace lets the browser's session of before answer for a few seconds more. Should
// that fail it lives on in the line, and ends with it.
func (s Signer) replace(ctx context.Context, made, before *session.Session) {
	if before == nil || !continues(made, before) {
		return
	}
	if err := s.Store.Replace(ctx, before); err != nil {
		s.Log.Note(slog.LevelWarn, "replaced session not ended", s.NameOf(before.AppID), "", outage.During(outage.CallEnd, err))
		return
	}
	s.Log.Worked(outage.End)
}

// continues says whether a session is of one line with the one before it.
func continues(s, before *session.Session) bool {
	return !s.Guest && !before.Guest && s.Person == before.Person && s.LineID() == before.LineID()
}
