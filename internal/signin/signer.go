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

// Ledger is the part of the ledger that a sign-in uses.
type Ledger interface {
	// Observe records a sign-in and returns the person.
	Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error)
	// Ready returns an error if a sign-in cannot be recorded now.
	Ready(ctx context.Context) error
	// FindOpenID returns the person to whom this openid of this app id belongs.
	FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error)
	// FindUnionID returns the person with this unionid.
	FindUnionID(ctx context.Context, unionID string) (ledger.Person, error)
}

// Signer makes sessions from codes and from other sessions. All fields but
// PersonEnded and Audit are required.
type Signer struct {
	Once   *Once
	Ledger Ledger
	Store  session.Store
	// PersonEnded returns the time before which all sessions of a person have
	// ended, zero for none. It answers from memory. Nil means that only the
	// store knows.
	PersonEnded func(person string) time.Time
	Ends        signout.Ends
	Teller      notice.Teller
	Log         outage.Log
	Audit       audit.Log
	// NameOf returns the name of the site's account with an app id, for the
	// log.
	NameOf func(appID string) string
	// Counts counts sign-ins. Nil: they are not counted.
	Counts *Counts
	// MayEnter returns an error of [ErrNotAllowed] for a person who may not
	// enter. The person may be one whom the ledger does not know yet. It answers
	// from memory. Nil: all may enter.
	MayEnter func(p *ledger.Person) error
	// Trace follows a sign-in. The sign-in runs with the returned context, and
	// done is called once when it has ended. Nil: it is not followed.
	Trace TraceFunc
}

// TraceFunc follows one sign-in of an account, see [Signer.Trace].
type TraceFunc func(ctx context.Context, account string, way Way) (_ context.Context, done func(Finish))

// SignInTimeout bounds a whole sign-in, which outlives its request.
const SignInTimeout = 20 * time.Second

// Attempt is one sign-in with a code.
type Attempt struct {
	Account  wechat.Account // the account that gave the code
	Binding  session.Binding
	Hit      Hit
	Visitor  Visitor
	Exchange ExchangeFunc
	Guest    bool // a virtual visitor gets a session, too

	// RequestedScope is the scope that WeChat was asked for, "" for accounts
	// that grant everything at once.
	RequestedScope wechat.Scope
}

// SignIn turns a code into a session, once: WeChat identifies the visitor, the
// ledger finds the person, and the store saves the session. Every hit with this
// code gets the same outcome. Errors are those of ExchangeFunc,
// ledger.ErrUnavailable and session.ErrUnavailable before and after the code is
// spent, and errOtherNonce for a code that another client has spent.
func (s Signer) SignIn(ctx context.Context, in Attempt) (Outcome, error) {
	account, way := in.Account.Name, WayOf(in.Account, in.RequestedScope)
	return s.RunOnce(ctx, in.Hit, account, way, func(ctx context.Context) (Outcome, error) {
		if in.Binding.Audience == session.Token {
			if err := s.reachable(ctx, in.Binding); err != nil {
				return Outcome{}, err
			}
		}
		return s.signInOnce(ctx, in)
	})
}

// RunOnce runs signIn as [Once.Do] does, for SignInTimeout at most, and follows
// it. It counts the end once for all hits that share the outcome.
func (s Signer) RunOnce(ctx context.Context, h Hit, account string, way Way, signIn func(context.Context) (Outcome, error)) (Outcome, error) {
	done := func(Finish) {}
	if s.Trace != nil {
		ctx, done = s.Trace(ctx, account, way)
	}
	o, err := s.Once.Do(ctx, h, func(ctx context.Context) (Outcome, error) {
		ctx, cancel := context.WithTimeout(ctx, SignInTimeout)
		defer cancel()
		o, err := signIn(ctx)
		return o, s.Counts.run(account, way, o, err)
	})
	s.Counts.notRun(account, way, err)
	done(FinishOf(o, err))
	return o, err
}

// signInOnce does the part of SignIn that runs once.
func (s Signer) signInOnce(ctx context.Context, in Attempt) (Outcome, error) {
	key := in.Hit.spentKey(in.Binding)
	observation, err := s.spendCode(ctx, key, func() (ledger.Observation, error) { return in.Exchange(ctx, in.Account, in.Hit.Code) })
	if errors.Is(err, errSnapshot) {
		return s.enterSnapshot(ctx, in)
	}
	if err != nil {
		return Outcome{}, err
	}
	observation.AppID, observation.SignedIn = in.Binding.AppID, true
	e, err := s.createSession(ctx, in, key, observation)
	if err != nil {
		return Outcome{}, err
	}
	scope := e.session.Scope
	attrs := []slog.Attr{
		slog.String("user", audit.ShortID(e.person.ID)), slog.String("session", e.session.ID.Short()),
		slog.String("account", in.Account.Name), slog.String("scope", scope),
	}
	if in.Visitor.Flow != "" {
		attrs = append(attrs, slog.String("flow", in.Visitor.Flow))
	}
	s.Log.Logger.LogAttrs(ctx, slog.LevelInfo, "signed in", attrs...)
	action := in.Visitor.action(e.session.Person, in.RequestedScope)
	if action == audit.ActionStepUp {
		s.Counts.Step(in.Account.Name, StepGiven)
	}
	s.Audit.Write(audit.Record{
		Action: action, Account: in.Account.Name, User: e.person.ID, Session: e.session.ID,
		Client: in.Visitor.Client, Scope: scope, Flow: in.Visitor.Flow, Site: in.Binding.Site,
	})
	return Outcome{Session: e.session, Value: e.value}, nil
}

// reachable checks before a code is spent that the sign-in can be stored; if
// not, the code stays valid until the stores are back. It runs in the sign-in's
// turn (attack: a flood of invented codes calls the store without limit). For
// browsers the store was already asked for the existing session.
func (s Signer) reachable(ctx context.Context, b session.Binding) error {
	const nothing = "nothing" // not the value of any session
	ctx, cancel := context.WithTimeout(ctx, outage.StoreTimeout)
	defer cancel()
	if _, err := s.Store.Load(ctx, nothing, b); err != nil && !errors.Is(err, session.ErrNone) {
		return fmt.Errorf("signin: before a sign-in: %w", err)
	}
	return nil
}

// enterSnapshot ends the dance of a virtual visitor. It never writes to the
// ledger, and makes a short guest session only if the site allows it.
func (s Signer) enterSnapshot(ctx context.Context, in Attempt) (Outcome, error) {
	if !in.Guest {
		return Outcome{Snapshot: true}, nil
	}
	guest := session.New(in.Binding, "", "", string(wechat.ScopeBase))
	guest.Guest = true
	s.dateAfterEnd(guest, guest.Created)
	value, err := s.Store.Save(ctx, guest)
	if err != nil {
		return Outcome{}, fmt.Errorf("signin: save guest: %w", outage.During(outage.CallSave, err))
	}
	s.Log.Worked(outage.Save)
	s.Counts.made(in.Account.Name)
	return Outcome{Session: guest, Value: value, Snapshot: true}, nil
}
