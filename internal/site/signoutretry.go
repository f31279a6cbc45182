package site

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// ends returns what signs out sessions of the site.
func (site *Site) ends() signout.Ends {
	return signout.Ends{Store: site.Hub.Store, Ledger: site.Hub.Ledger, Teller: site.Teller(), Log: site.Log(), Audit: site.Audit, Unfinished: site.Hub.Unfinished, Counts: site.Hub.Counts.ended()}
}

// newEnding prepares the sign-out of a session of the request.
func (site *Site) newEnding(r *Request, s *session.Session, reason string, at time.Time) *signout.Ending {
	record := site.completeRecord(r, audit.Record{Reason: reason, User: s.Person, Session: s.ID})
	return site.ends().SignOut(s, at, record, site.AccountOf(s.AppID).Kind.ClientsHoldTokens())
}

// RetrySignOut handles a sign-out whose session has already ended on this
// gateway. It fails if that end may not be stored (attack: a 200 for a sign-out
// that never happened).
func (site *Site) RetrySignOut(r *Request) error {
	values := []string{r.Token.Value}
	if !r.Token.Sent {
		values, _ = r.sessionValues()
	}
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	for _, value := range values {
		if err := site.retrySignOutOf(ctx, r, value); err != nil {
			return err
		}
	}
	return nil
}

func (site *Site) retrySignOutOf(ctx context.Context, r *Request, value string) error {
	if value == "" {
		return nil
	}
	if kept, err := site.Hub.Unfinished.Retry(ctx, value, session.ID{}); kept {
		return err
	}
	s, err := site.loadEvenIfEnded(ctx, r, value)
	if err != nil || s == nil {
		return err
	}
	if kept, err := site.Hub.Unfinished.Retry(ctx, "", s.LineID()); kept {
		return err
	}
	if !site.endUnsaved(s) {
		return nil
	}
	return site.newEnding(r, s, audit.ReasonVisitor, time.Now()).FinishOrKeep(ctx, value)
}

// endUnsaved reports whether the session's end may be known only to this
// gateway.
func (site *Site) endUnsaved(s *session.Session) bool {
	if site.Hub.Unfinished.Overflowed() {
		return true
	}
	unwritten := site.Hub.EndUnsaved
	return unwritten != nil && (unwritten(s.LineID(), s.Person) || unwritten(s.ID, s.Person))
}

// loadEvenIfEnded returns the session of a value, even if this gateway knows
// that it ended; nil if there is none.
func (site *Site) loadEvenIfEnded(ctx context.Context, r *Request, value string) (*session.Session, error) {
	sealed := session.Sealed{Keys: site.Hub.Keys, Policy: site.Hub.Policy}
	for _, a := range append([]wechat.Account{site.Account}, site.OtherAccounts...) {
		if r.Token.Sent && !a.Kind.ClientsHoldTokens() {
			continue
		}
		if s, err := sealed.Load(ctx, value, r.Binding(a)); err == nil {
			return s, nil
		}
	}
	s, err := site.loadSession(ctx, r, value, nil)
	switch {
	case err == nil:
		return s, nil
	case NoSession(err):
		return nil, nil
	default:
		return nil, fmt.Errorf("site: load session: %w", err)
	}
}
