package gate

import (
	"fmt"

	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/session"
)

// lives says whether the session of an outcome may be given to a browser: it has not
// ended, nor been replaced, since the outcome was kept. The store knows ends that
// other instances made.
func (g *Gate) lives(r *Request, o signin.Outcome, appID string) (bool, error) {
	if o.Session == nil || o.Value == "" {
		return false, nil
	}
	ctx, cancel := g.storeContext(r)
	defer cancel()
	b := session.Binding{Site: r.origin, AppID: appID, Audience: session.Cookie}
	s, err := g.Hub.Store.Load(ctx, o.Value, b)
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
