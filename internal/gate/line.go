package gate

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
// session of before replaced: a copy of that cookie is of no use to anybody soon.

// joinLine puts a new session into its line. What the caller has put there stays, as
// a ticket's is its token's. Else it is that of the browser's session of before, if
// that is the same person's, or else one that follows from the browser: two first
// sign-ins at once know nothing of each other, and end together all the same. A
// person whose records were merged keeps the id of before: all sessions of a line
// have one, or a store could not end them in one step.
func joinLine(s *session.Session, person ledger.Person, who visitor) {
	before := who.before
	switch {
	case s.Guest || s.Line != session.ID{}:
	case before != nil && !before.Guest && isPerson(person, before.Person):
		s.Person, s.Line = before.Person, before.LineID()
		if s.Scope == session.ScopeBase && before.Declined.After(s.Declined) {
			s.Declined = before.Declined // the same person is not asked again
		}
	case who.browser != "":
		sum := sha256.Sum256(fmt.Appendf(nil, "wechat line %q %q", who.browser, s.Person))
		s.Line = session.ID(sum[:16])
	}
}

// leave ends the browser's session of before, if it is of another line: another
// person's, a guest's, or one of another way in. All of its line goes, before the
// new session is made.
func (g *Gate) leave(ctx context.Context, s, before *session.Session) error {
	if before == nil || continues(s, before) {
		return nil
	}
	// Kept if it fails: the sign-in is repeated, and the session over here by then.
	if err := g.ends().Silently(before).FinishOrKeep(ctx, ""); err != nil {
		return fmt.Errorf("gate: end the session of before: %w", err)
	}
	return nil
}

// replace lets the browser's session of before answer for a few seconds more. Should
// that fail it lives on in the line, and ends with it.
func (g *Gate) replace(ctx context.Context, s, before *session.Session) {
	if before == nil || !continues(s, before) {
		return
	}
	if err := g.Hub.Store.Replace(ctx, before); err != nil {
		g.log().Note(slog.LevelWarn, "replaced session not ended", g.accountOf(before.AppID).Name, "", outage.During(outage.CallEnd, err))
		return
	}
	g.log().Worked(outage.End)
}

// continues says whether a session is of one line with the one before it.
func continues(s, before *session.Session) bool {
	return !s.Guest && !before.Guest && s.Person == before.Person && s.LineID() == before.LineID()
}

// lives says whether the session of an outcome may be given to a browser: it has not
// ended, nor been replaced, since the outcome was kept. The store knows ends that
// other instances made.
func (g *Gate) lives(r *Request, o outcome, appID string) (bool, error) {
	if o.session == nil || o.value == "" {
		return false, nil
	}
	ctx, cancel := g.storeContext(r)
	defer cancel()
	b := session.Binding{Site: r.origin, AppID: appID, Audience: session.Cookie}
	s, err := g.Hub.Store.Load(ctx, o.value, b)
	switch {
	case isNobody(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("gate: load session: %w", err)
	}
	return !s.Leaving() && g.Hub.over(s) == nil, nil
}

// stillHolds says whether what a replaced session has let in may go on: its person
// is there, and the openid still theirs.
func (g *Gate) stillHolds(r *Request) error {
	ctx, cancel := g.storeContext(r)
	defer cancel()
	s := &r.id.session
	person, err := g.Hub.Ledger.Find(ctx, s.Person)
	if err != nil {
		return fmt.Errorf("gate: find person: %w", err)
	}
	if !person.Holds(s.AppID, s.OpenID) {
		return errSessionOver
	}
	return nil
}
