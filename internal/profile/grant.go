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

// A grant is the refresh token of somebody's consent, sealed, as the ledger keeps
// it: with it WeChat gives their profile again.
const purposeGrant = "grant"

// Keep seals the refresh token of a consent, nil if there is none: what is kept
// is of use to nobody without the keys (attack: a stolen ledger file).
func (f *Refresher) Keep(t wechat.Token) []byte {
	if t.Scope != wechat.ScopeUserInfo || t.Snapshot || t.RefreshToken.IsZero() {
		return nil
	}
	// Bound to the openid: a grant put at somebody else's account opens nothing.
	sealed, err := f.Keys.Seal(purposeGrant, t.OpenID, []byte(t.RefreshToken.Reveal()))
	if err != nil {
		f.Logger.Warn("refresh token not kept", slog.Any("error", err))
		return nil
	}
	return []byte(sealed)
}

// refresh fetches one profile, unless it is younger than maxAge meanwhile; then it
// returns nil.
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
		return nil, nil // another instance, or a consent, was first
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
		// The account was bound to an Open Platform account after the consent: the
		// person is the one who signs in at the other accounts.
		if _, err := f.Ledger.Observe(ctx, ledger.Observation{AppID: s.AppID, OpenID: s.OpenID, UnionID: s.UnionID, OnlyKnown: true}); err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
	}
	return s.Profile, fetched
}

// end forgets a grant for good: WeChat would say the same every time. One that
// the person gave anew meanwhile stays.
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
		audit.Write(f.Audit, audit.Record{Action: audit.ActionForget, User: person, Reason: audit.ReasonWeChat})
	}
	return fmt.Errorf("%w: %w", ErrNoGrant, why)
}

// errSealedGrant says that no key opens a grant: its key is gone.
var errSealedGrant = errors.New("profile: the grant cannot be opened")

// isOver reports whether a grant is of no use any more: expired, taken back by a
// changed password, never valid, or sealed by a key that is gone.
func isOver(err error) bool {
	return errors.Is(err, wechat.ErrRestart) || errors.Is(err, errSealedGrant)
}

// fetch asks WeChat and puts what it says into s. The grant is in s as soon as
// there is a new one: the old one may be dead by then.
func (f *Refresher) fetch(ctx context.Context, a ledger.Account, s *ledger.Observation) error {
	refreshToken, err := f.Keys.Open(purposeGrant, a.OpenID, string(a.Grant))
	switch {
	case errors.Is(err, session.ErrNoKey):
		return fmt.Errorf("profile: %w", err) // our fault, and not for good
	case err != nil:
		return errSealedGrant
	}
	token, err := f.WeChat.Refresh(ctx, a.AppID, wechat.NewSecret(string(refreshToken)))
	switch {
	case err != nil:
		return err
	case token.OpenID != a.OpenID:
		return fmt.Errorf("profile: the token is another visitor's: %w", wechat.ErrAlert)
	}
	token.Scope = wechat.ScopeUserInfo // what was granted; WeChat may not repeat it
	s.Grant = f.Keep(token)
	info, err := f.WeChat.UserInfo(ctx, token.AccessToken, token.OpenID)
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
