package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A grant is the refresh token of a person's consent, sealed, as the ledger
// stores it. With it WeChat gives the profile again.
const purposeGrant = "grant"

// Keep seals the refresh token of a consent; it returns nil if there is none.
// The sealed token is useless without the keys (attack: a stolen ledger file).
func (f *Refresher) Keep(t wechat.Token) []byte {
	if t.Scope != wechat.ScopeUserInfo || t.Snapshot || t.RefreshToken.IsZero() {
		return nil
	}
	// It is bound to the openid: a grant moved to another person's account does
	// not open.
	sealed, err := f.Keys.Seal(purposeGrant, t.OpenID, []byte(t.RefreshToken.Reveal()))
	if err != nil {
		if ok, left := f.lines.Take("seal"); ok { // not for each sign-in (attack: a flooded log)
			f.Logger.Warn("could not seal the refresh token", slog.Any("error", err), slog.Int("left_out", left))
		}
		return nil
	}
	return []byte(sealed)
}

// refresh fetches one profile. It returns nil if the profile is meanwhile
// younger than maxAge.
func (f *Refresher) refresh(ctx context.Context, job task, maxAge time.Duration) (*ledger.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p, err := f.Ledger.Find(ctx, job.person)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	account, ok := granted(&p, job.appID)
	switch {
	case !ok:
		return nil, ErrNoGrant
	case maxAge > 0 && time.Since(p.ProfileAt) < maxAge:
		return nil, nil // another instance, or a new consent, has already updated it
	}
	s := ledger.Observation{AppID: account.AppID, OpenID: account.OpenID}
	fetched := f.fetch(ctx, account, &s)
	if isOver(fetched) {
		return nil, f.end(ctx, p.ID, account, fetched)
	}
	if s.Grant != nil {
		if err := f.Ledger.Renew(ctx, s); err != nil {
			return nil, errors.Join(fetched, fmt.Errorf("profile: %w", err))
		}
	}
	if p.UnionID == "" && s.UnionID != "" {
		// The official account was bound to an Open Platform account after the
		// consent: the unionid identifies the same person at the other
		// accounts.
		if _, err := f.Ledger.Observe(ctx, ledger.Observation{AppID: s.AppID, OpenID: s.OpenID, UnionID: s.UnionID, OnlyKnown: true}); err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
	}
	return s.Profile, fetched
}

// end deletes a grant that WeChat has finally refused. A grant of a newer
// consent stays.
func (f *Refresher) end(ctx context.Context, person string, was ledger.Account, why error) error {
	p, err := f.Ledger.Find(ctx, person)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if now, ok := granted(&p, was.AppID); ok && bytes.Equal(now.Grant, was.Grant) {
		err := f.Ledger.Renew(ctx, ledger.Observation{AppID: was.AppID, OpenID: was.OpenID, Grant: []byte{}})
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		f.Audit.Write(audit.Record{Action: audit.ActionForget, User: person, Reason: audit.ReasonWeChat})
	}
	return fmt.Errorf("%w: %w", ErrNoGrant, why)
}

// errSealedGrant says that no key opens a grant: its key was withdrawn.
var errSealedGrant = errors.New("profile: the grant cannot be opened")

// isOver reports whether a grant has become useless: expired, cancelled by a
// changed password, never valid, or sealed by a withdrawn key.
func isOver(err error) bool {
	return errors.Is(err, wechat.ErrRestart) || errors.Is(err, errSealedGrant)
}

// fetch asks WeChat and writes the answer to s. It sets a new grant in s at
// once, because the old one may already be invalid.
func (f *Refresher) fetch(ctx context.Context, a ledger.Account, s *ledger.Observation) error {
	refreshToken, err := f.Keys.Open(purposeGrant, a.OpenID, string(a.Grant))
	switch {
	case errors.Is(err, session.ErrNoKey):
		return fmt.Errorf("profile: %w", err) // a failure on our side that may pass
	case err != nil:
		return errSealedGrant
	}
	token, err := f.WeChat.Refresh(ctx, a.AppID, wechat.NewSecret(string(refreshToken)))
	switch {
	case err != nil:
		return err
	case token.OpenID != a.OpenID:
		return fmt.Errorf("profile: the token belongs to another visitor: %w", wechat.ErrAlert)
	}
	token.Scope = wechat.ScopeUserInfo // the scope of the grant; WeChat may not repeat it
	s.Grant = f.Keep(token)
	info, err := f.WeChat.UserInfo(wechat.WithAppID(ctx, a.AppID), token.AccessToken, token.OpenID)
	if err != nil {
		return err
	}
	s.UnionID = info.UnionID
	s.Profile = &ledger.Profile{Nickname: info.Nickname, AvatarURL: info.AvatarURL}
	if s.Grant == nil {
		s.Grant = a.Grant // WeChat gave no new one
	}
	return nil
}

// granted returns the person's account at the app id with a grant.
func granted(p *ledger.Person, appID string) (ledger.Account, bool) {
	for _, a := range p.Accounts {
		if a.AppID == appID && !a.ConsentAt.IsZero() && len(a.Grant) > 0 {
			return a, true
		}
	}
	return ledger.Account{}, false
}
