package signin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// ErrNotAllowed says that a person may not enter the site: a ban, or the
// operator's `deny` or `allow`.
var ErrNotAllowed = errors.New("signin: the person may not enter this site")

// NotAllowed returns an [ErrNotAllowed] for a reason, which the audit log has.
func NotAllowed(reason string) error { return notAllowedError{reason} }

type notAllowedError struct{ reason string }

// Error implements error.
func (e notAllowedError) Error() string { return ErrNotAllowed.Error() + ": " + e.reason }

// Is implements what [errors.Is] asks for.
func (notAllowedError) Is(target error) bool { return target == ErrNotAllowed }

// mayEnter returns ErrNotAllowed if the person whom WeChat named may not enter.
// It asks before the ledger records the sign-in: a banned person who was erased
// must not come back into the ledger, and no business system may be told of a
// sign-in that was refused.
func (s Signer) mayEnter(ctx context.Context, in Attempt, seen ledger.Observation) error {
	if s.MayEnter == nil {
		return nil
	}
	person, known, err := s.personOf(ctx, seen)
	if err != nil {
		return fmt.Errorf("signin: ledger: %w", err)
	}
	record := audit.Record{
		Account: in.Account.Name, Client: in.Visitor.Client, Scope: string(in.RequestedScope), Flow: in.Visitor.Flow, Site: in.Binding.Site,
	}
	if known {
		record.User = person.ID
	}
	return s.Admit(&person, record)
}

// Admit returns ErrNotAllowed if a person may not enter. record describes the
// sign-in for the audit log.
func (s Signer) Admit(p *ledger.Person, record audit.Record) error {
	if s.MayEnter == nil {
		return nil
	}
	err := s.MayEnter(p)
	if reason := (notAllowedError{}); errors.As(err, &reason) {
		record.Action, record.Reason = audit.ActionRefuse, reason.reason
		s.Log.Logger.Info("sign-in of a person who may not enter", slog.String("user", audit.ShortID(record.User)),
			slog.String("account", record.Account), slog.String("reason", reason.reason), slog.String("flow", record.Flow), slog.String("site", record.Site))
		s.Audit.Write(record)
	}
	return err
}

// personOf returns the person whom the ledger will have after an observation,
// and whether it has that person now.
func (s Signer) personOf(ctx context.Context, seen ledger.Observation) (p ledger.Person, known bool, err error) {
	byOpenID, err := absent(s.Ledger.FindOpenID(ctx, seen.AppID, seen.OpenID))
	if err != nil {
		return p, false, err
	}
	var byUnionID *ledger.Person
	if seen.UnionID != "" && (byOpenID == nil || byOpenID.UnionID != seen.UnionID) {
		if byUnionID, err = absent(s.Ledger.FindUnionID(ctx, seen.UnionID)); err != nil {
			return p, false, err
		}
	}
	if seen, err = seen.Normal(); err != nil {
		return p, false, err
	}
	c, err := seen.Decide(byOpenID, byUnionID, func() (uint64, error) { return 0, nil })
	if err != nil {
		return p, false, err
	}
	known = byOpenID != nil && byOpenID.ID == c.Person.ID || byUnionID != nil && byUnionID.ID == c.Person.ID
	return c.Person, known, nil
}

// absent turns "no such person" into nil.
func absent(p ledger.Person, err error) (*ledger.Person, error) {
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &p, nil
}
