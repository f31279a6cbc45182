package signin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// The sessions that one browser makes one after another on a site are one line, and
// end together (see [session.Session.LineID]). A browser that signs in anew has its
// Session of before replaced: a copy of that cookie is of no use to anybody soon.

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
