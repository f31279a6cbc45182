package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// ends ends the sessions of the site.
func (g *Gate) ends() signout.Ends {
	return signout.Ends{Store: g.Hub.Store, Ledger: g.Hub.Ledger, Teller: g.teller(), Log: g.log(), Audit: g.Audit, Unfinished: g.Hub.Unfinished}
}

// newEnding begins a sign-out of the request's visitor.
func (g *Gate) newEnding(r *Request, s *session.Session, reason string, at time.Time) *signout.Ending {
	record := g.described(r, audit.Record{Reason: reason, User: s.Person, Session: s.ID})
	return g.ends().SignOut(s, at, record, g.accountOf(s.AppID).Kind.ClientsHoldTokens())
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
	if kept, err := g.Hub.Unfinished.Retry(ctx, value, session.ID{}); kept {
		return err
	}
	s, err := g.peek(ctx, r, value)
	if err != nil || s == nil {
		return err
	}
	if kept, err := g.Hub.Unfinished.Retry(ctx, "", s.LineID()); kept {
		return err
	}
	if !g.unwritten(s) {
		return nil
	}
	return g.newEnding(r, s, audit.ReasonVisitor, time.Now()).FinishOrKeep(ctx, value)
}

// unwritten reports whether the session's end may be known to this gateway alone.
func (g *Gate) unwritten(s *session.Session) bool {
	if g.Hub.Unfinished.Doubtful() {
		return true
	}
	unwritten := g.Hub.Unwritten
	return unwritten != nil && (unwritten(s.LineID(), s.Person) || unwritten(s.ID, s.Person))
}

// peek returns the session of a value, whatever this gateway remembers of its end;
// nil if there is none.
func (g *Gate) peek(ctx context.Context, r *Request, value string) (*session.Session, error) {
	sealed := session.Sealed{Keys: g.Hub.Keys, Policy: g.Hub.Policy}
	for _, a := range append([]wechat.Account{g.Account}, g.Doors...) {
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
