package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// scanArrive exchanges the answer for a session, once, and sends the browser to
// its target. A second hit of the same browser gets the same session.
func (g *Gate) scanArrive(w http.ResponseWriter, r *site.Request, c scan.Code, answer scan.Answer, target string) {
	if err := g.Identify(r); err != nil {
		g.countScan(signin.StoreUnavailable)
		g.scanUnavailable(w, r, err)
		return
	}
	key, who := signin.OnceKey("scan", r.Origin, c.ID()), site.VisitorOf(r)
	o, err := g.Signer().RunOnce(r.Context(), r.Hit("scan", key, c.ID()), g.Account.Name, signin.ByScan, func(ctx context.Context) (signin.Outcome, error) {
		return g.spendScan(ctx, r.Origin, c, answer, who)
	})
	lives := false
	if err == nil {
		lives, err = g.OutcomeValid(r, o, answer.AppID)
	}
	switch {
	case errors.Is(err, signin.ErrNotAllowed):
		g.notAllowed(w, r, target)
	case err != nil && !site.NoSession(err):
		g.scanUnavailable(w, r, err)
	case err != nil, !lives, g.CheckKeysUnchanged(r) != nil:
		g.scanOver(w, r, page.ScanExpired, site.LoginPath(target, c.Need))
	default:
		g.SetSession(w, r, o.Value, o.Session)
		g.CountLanding(w, r)
		cookies.Scan.ClearAt(w, r.CookieScope, scanWaitPath+c.ID())
		site.ReturnTo(w, r, target) // not arrive: WeChat added no fragment here
	}
}

// spendScan makes the browser's session: a new one of the same person at the
// same account, provided the phone's session is still valid. It does not belong
// to the phone's line.
func (g *Gate) spendScan(ctx context.Context, origin string, c scan.Code, answer scan.Answer, who signin.Visitor) (signin.Outcome, error) {
	phone, err := g.Hub.Store.Load(ctx, answer.Value, session.Binding{Site: origin, AppID: answer.AppID, Audience: session.Cookie})
	switch {
	case err != nil:
		return signin.Outcome{}, fmt.Errorf("gate: load the phone's session: %w", err)
	case g.Hub.CheckEnded(phone) != nil || phone.Guest || !g.Admits(phone.AppID):
		return signin.Outcome{}, fmt.Errorf("gate: the phone's session ended or is not admitted here: %w", session.ErrEnded)
	}
	person, err := g.Hub.Ledger.Find(ctx, phone.Person)
	if err != nil {
		return signin.Outcome{}, fmt.Errorf("gate: find person: %w", err)
	}
	if !person.Holds(phone.AppID, phone.OpenID) {
		return signin.Outcome{}, fmt.Errorf("gate: the openid no longer belongs to this person: %w", session.ErrEnded)
	}
	record := audit.Record{
		Account: g.AccountOf(phone.AppID).Name, User: person.ID, Client: c.Device.Word(), Scope: phone.Scope, Flow: c.Name(), Site: origin,
	}
	if err := g.Signer().Admit(&person, record); err != nil {
		return signin.Outcome{}, err
	}
	key := signin.OnceKey("answer", origin, c.ID())
	won, err := g.Hub.Scans.Take(ctx, key)
	if err != nil || !won {
		return signin.Outcome{}, cmp.Or(err, fmt.Errorf("gate: the code was already used: %w", session.ErrNone))
	}
	b := phone.Binding()
	b.Audience = session.Cookie
	s := session.New(b, person.ID, phone.OpenID, phone.Scope)
	s.Declined = phone.Declined // a decline on the phone counts on the other screen, too
	// The new session expires no later than the phone's, and ends with every
	// action that ends the person's earlier sessions (attack: a session that is
	// handed on from screen to screen has no lifetime).
	s.Created = phone.Created
	if s.Renewed.Before(s.Created) {
		s.Renewed = s.Created
	}
	value, err := g.keepScanned(ctx, s, c, person, who)
	if err != nil {
		g.Hub.Scans.GiveBack(ctx, key)
		return signin.Outcome{}, err
	}
	g.Logger.Info("browser signed in by a phone", slog.String("user", audit.ShortID(person.ID)), slog.String("session", s.ID.Short()),
		slog.String("account", record.Account), slog.String("phone", phone.ID.Short()), slog.String("client", c.Device.Word()), slog.String("flow", c.Name()))
	record.Action, record.Session, record.Reason = audit.ActionSignIn, s.ID, audit.ReasonScan
	g.Audit.Write(record)
	return signin.Outcome{Session: s, Value: value}, nil
}

// keepScanned queues the event of the sign-in and saves its session. A retry
// after a failure queues no second event.
func (g *Gate) keepScanned(ctx context.Context, s *session.Session, c scan.Code, person ledger.Person, who signin.Visitor) (string, error) {
	if err := g.Teller().TellSignIn(ctx, s, person.UnionID, audit.ReasonScan, c.ID()); err != nil {
		return "", err
	}
	value, err := g.Signer().SaveDerived(ctx, s, person, who)
	if err != nil {
		return "", fmt.Errorf("gate: save session: %w", err)
	}
	return value, nil
}

// scanConfirmOtherPerson calls [site.Site.ConfirmOtherPerson] for the person
// whose phone has answered.
func (g *Gate) scanConfirmOtherPerson(w http.ResponseWriter, r *site.Request, answer scan.Answer, target string) bool {
	ctx, cancel := g.StoreContext(r)
	defer cancel()
	phone, err := g.Hub.Store.Load(ctx, answer.Value, session.Binding{Site: r.Origin, AppID: answer.AppID, Audience: session.Cookie})
	switch {
	case errors.Is(err, session.ErrNone):
		return false // the phone's session has ended
	case err != nil:
		g.scanUnavailable(w, r, err)
		return true
	}
	return g.ConfirmOtherPerson(w, r, phone.Person, r.Original.RequestURI(), target)
}
