package signin

import (
	"context"
	"errors"
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

// KeepAsDated is keepNew for a session that was made from another one, and is as old:
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
// Browser signs in after the end of a line does not end with it. One that is bound to
// what led to it does (attack: a ticket that races the logout of its token).
func (s Signer) saveInLine(ctx context.Context, made *session.Session, bound bool) (string, error) {
	value, err := s.Store.Save(ctx, made)
	if errors.Is(err, session.ErrLineEnded) && !bound {
		made.Line = session.ID{}
		value, err = s.Store.Save(ctx, made)
	}
	return value, err
}
