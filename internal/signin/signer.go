package signin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Ledger is what a sign-in asks of the ledger.
type Ledger interface {
	// Observe records a sign-in and returns the person.
	Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error)
	// Ready says whether a sign-in could be recorded now.
	Ready(ctx context.Context) error
	// FindOpenID returns the person to whom this openid of this app id belongs.
	FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error)
}

// Signer makes sessions: of codes, and of other sessions. All fields but PersonEnded
// and Audit are needed.
type Signer struct {
	Once   *Once
	Ledger Ledger
	Store  session.Store
	// PersonEnded is the moment up to which all sessions of a person are over,
	// zero for none. It answers from memory. Nil where only the store knows.
	PersonEnded func(person string) time.Time
	Ends        signout.Ends
	Teller      notice.Teller
	Log         outage.Log
	Audit       *slog.Logger
	// NameOf is the name of an account of the site, by its app id, for the log.
	NameOf func(appID string) string
}

// SpendTimeout bounds a whole sign-in behind the scenes.
const SpendTimeout = 20 * time.Second

// Attempt is one sign-in with a code.
type Attempt struct {
	Account  wechat.Account // whose code it is
	Binding  session.Binding
	Hit      Hit
	Visitor  Visitor
	Exchange ExchangeFunc
	Guest    bool // a virtual visitor gets a session, too

	// For a flow; zero for clients.
	Flow  string       // its id
	Asked wechat.Scope // what WeChat was asked for
}

// SignIn turns a code into a session, once: WeChat says who it is, the ledger which
// person, and the store keeps the session. Every hit that asks for it gets the same
// outcome. Errors are those of ExchangeFunc, ledger.ErrUnavailable and session.ErrUnavailable
// before and after the code is spent, and errForeign for a code that is another's.
func (s Signer) SignIn(ctx context.Context, in Attempt) (Outcome, error) {
	return s.Once.Do(ctx, in.Hit, func(ctx context.Context) (Outcome, error) {
		if in.Binding.Audience == session.Token {
			if err := s.reachable(ctx, in.Binding); err != nil {
				return Outcome{}, err
			}
		}
		ctx, cancel := context.WithTimeout(ctx, SpendTimeout)
		defer cancel()
		return s.spend(ctx, in)
	})
}

// spend is what happens once.
func (s Signer) spend(ctx context.Context, in Attempt) (Outcome, error) {
	key := in.Hit.observedKey(in.Binding)
	sighting, err := s.sight(ctx, key, func() (ledger.Observation, error) { return in.Exchange(ctx, in.Account, in.Hit.Code) })
	if errors.Is(err, errVirtual) {
		return s.enterSnapshot(ctx, in)
	}
	if err != nil {
		return Outcome{}, err
	}
	sighting.AppID, sighting.SignedIn = in.Binding.AppID, true
	e, err := s.enrol(ctx, in, key, sighting)
	if err != nil {
		return Outcome{}, err
	}
	scope := e.session.Scope
	attrs := []slog.Attr{
		slog.String("user", audit.ShortID(e.person.ID)), slog.String("session", e.session.ID.Short()),
		slog.String("account", in.Account.Name), slog.String("scope", scope),
	}
	if in.Flow != "" {
		attrs = append(attrs, slog.String("flow", audit.ShortID(in.Flow)))
	}
	s.Log.Logger.LogAttrs(ctx, slog.LevelInfo, "signed in", attrs...)
	audit.Write(s.Audit, audit.Record{
		Action: in.Visitor.action(e.session.Person, in.Asked), Account: in.Account.Name, User: e.person.ID, Session: e.session.ID,
		Client: in.Visitor.Client, Scope: scope, Flow: in.Flow, Site: in.Binding.Site,
	})
	return Outcome{Session: e.session, Value: e.value}, nil
}

// reachable finds out whether a sign-in could be kept, before its code is spent:
// the code is still good when the stores are back. It is asked in the sign-in's turn
// (attack: a flood of invented codes asks the store as often as it likes). Browsers
// have asked the store already, for the session that they may have.
func (s Signer) reachable(ctx context.Context, b session.Binding) error {
	const nothing = "nothing" // is the value of no session
	ctx, cancel := context.WithTimeout(ctx, outage.StoreTimeout)
	defer cancel()
	if _, err := s.Store.Load(ctx, nothing, b); err != nil && !errors.Is(err, session.ErrNone) {
		return fmt.Errorf("signin: before a sign-in: %w", err)
	}
	return nil
}

// enterSnapshot ends a dance of a virtual visitor: never in the ledger, and a
// short session as a guest only where the site allows it.
func (s Signer) enterSnapshot(ctx context.Context, in Attempt) (Outcome, error) {
	if !in.Guest {
		return Outcome{Snapshot: true}, nil
	}
	guest := session.New(in.Binding, "", "", string(wechat.ScopeBase))
	guest.Guest = true
	value, err := s.Store.Save(ctx, guest)
	if err != nil {
		return Outcome{}, fmt.Errorf("signin: save guest: %w", outage.During(outage.CallSave, err))
	}
	s.Log.Worked(outage.Save)
	return Outcome{Session: guest, Value: value, Snapshot: true}, nil
}
