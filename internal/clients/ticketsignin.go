package clients

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/session"
)

// signInByTicket makes the web-view's session: a new one of the same person at
// the same account, in the line of the token that asked for the ticket.
func (e Endpoints) signInByTicket(ctx context.Context, origin string, t ticket, by string, who signin.Visitor) (signin.Outcome, error) {
	binding := session.Binding{Site: origin, AppID: t.AppID, Audience: session.Token}
	asked, err := e.Hub.Store.Load(ctx, t.Value, binding)
	if err != nil {
		// An operator may have ended the session without a trace in the ledger
		// (attack: an older ticket gives a new session).
		return signin.Outcome{}, fmt.Errorf("clients: the session that asked for the ticket: %w", err)
	}
	person, err := e.Hub.Ledger.Find(ctx, t.Person)
	if err != nil {
		return signin.Outcome{}, fmt.Errorf("clients: find person: %w", err)
	}
	if !person.Holds(t.AppID, t.OpenID) {
		return signin.Outcome{}, fmt.Errorf("clients: the openid no longer belongs to this person: %w", session.ErrEnded)
	}
	a := e.AccountOf(t.AppID)
	if err := e.Signer().Admit(&person, audit.Record{Account: a.Name, User: person.ID, Flow: t.name(), Site: origin}); err != nil {
		return signin.Outcome{}, err
	}
	if err := e.markUsed(ctx, t); err != nil {
		return signin.Outcome{}, err
	}
	binding.Audience = session.Cookie
	// All sessions of a line have one person id: use the token's, which may be
	// an older one.
	s := session.New(binding, asked.Person, t.OpenID, a.Kind.SessionScope())
	s.Line = asked.LineID()
	told := *s
	told.Person = person.ID
	if err := e.Teller().TellSignIn(ctx, &told, person.UnionID, audit.ReasonTicket, t.ID); err != nil {
		return signin.Outcome{}, err
	}
	value, err := e.Signer().SaveNew(ctx, s, person, who)
	if err != nil {
		return signin.Outcome{}, fmt.Errorf("clients: save session: %w", err)
	}
	e.Logger.Info("handed over to a web-view", slog.String("user", audit.ShortID(person.ID)), slog.String("session", s.ID.Short()), slog.String("account", a.Name), slog.String("flow", t.name()))
	e.Audit.Write(audit.Record{
		Action: audit.ActionSignIn, Account: a.Name, User: person.ID, Session: s.ID, Scope: s.Scope, Reason: audit.ReasonTicket, Flow: t.name(), Site: origin,
	})
	return signin.Outcome{Session: s, Value: by + "." + value}, nil
}
