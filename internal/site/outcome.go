package site

import (
	"fmt"

	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/session"
)

// OutcomeValid reports whether the session of an outcome may be given to a
// browser: it has not ended or been replaced since the outcome was stored. It
// asks the store, which knows ends made by other instances.
func (site *Site) OutcomeValid(r *Request, o signin.Outcome, appID string) (bool, error) {
	if o.Session == nil || o.Value == "" {
		return false, nil
	}
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	b := session.Binding{Site: r.Origin, AppID: appID, Audience: session.Cookie}
	s, err := site.Hub.Store.Load(ctx, o.Value, b)
	switch {
	case NoSession(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("site: load session: %w", err)
	}
	return !s.Leaving() && site.Hub.CheckEnded(s) == nil, nil
}

// keepsOpenID returns an error if requests that a replaced session let in must
// end: its person is gone or no longer holds the openid.
func (site *Site) keepsOpenID(r *Request) error {
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	s := &r.Identity.Session
	person, err := site.Hub.Ledger.Find(ctx, s.Person)
	if err != nil {
		return fmt.Errorf("site: find person: %w", err)
	}
	if !person.Holds(s.AppID, s.OpenID) {
		return live.ErrOver
	}
	return nil
}
