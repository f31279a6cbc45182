package follow

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// How long an answer counts.
const (
	// FreshYes is how long a follower is not asked about again: without message
	// push, an unfollow is noticed after this time.
	FreshYes = 5 * time.Minute
	// FreshNo is the same for a person who does not follow.
	FreshNo = time.Minute
	// HoldsFor is how long the last answer holds while WeChat cannot be asked.
	HoldsFor = 24 * time.Hour

	// freshUnrecorded is how long an answer counts that was heard before the
	// ledger knew the person: a push meanwhile found no record.
	freshUnrecorded = 30 * time.Second
	// maxSkew is how far the clocks of two gateways may differ.
	maxSkew = time.Minute
)

// ErrUnknown reports that it is not known whether a person follows. The cause is
// wrapped, too.
var ErrUnknown = errors.New("follow: it is not known whether the visitor follows the account")

// againRate limits how often a person can have WeChat asked again before the
// last no is old.
var againRate = limit.Rate{Burst: 3, Every: 20 * time.Second}

// Ledger is the part of the ledger that Followers needs.
type Ledger interface {
	Find(ctx context.Context, id string) (ledger.Person, error)
	Follow(ctx context.Context, f ledger.Following) (ledger.Person, error)
}

// Followers answers who follows an official account. All fields are required.
type Followers struct {
	// Ask asks WeChat.
	Ask    func(ctx context.Context, appID, openID string) (follows bool, err error)
	Ledger Ledger
	Memory *Memory // outlives reloads
}

// Question is a question about one person.
type Question struct {
	Account wechat.Account // the official account
	Person  ledger.Person  // as the ledger has it now
	Network netip.Prefix   // of the visitor
	// Again says that the visitor claims to have followed since a no.
	Again bool
	Log   outage.Log
}

func (q *Question) appID() string { return q.Account.Credentials.AppID }

// Follows reports whether a person follows the account. An error means that it
// is not known: WeChat cannot be asked, and there is no answer of the last day.
func (f *Followers) Follows(ctx context.Context, q Question) (bool, error) {
	account, ok := q.Person.Account(q.appID())
	if !ok {
		return false, nil
	}
	last := f.Memory.last(&account)
	if f.answered(&q, &account, last) {
		return last.yes(), nil
	}
	got, err := f.ask(ctx, &q, account)
	if err == nil {
		return got == ledger.Follows, nil
	}
	if now := time.Now(); last.holds(now) || f.reread(ctx, &q, &last) && last.holds(now) {
		return last.yes(), nil
	}
	return false, fmt.Errorf("%w: %w", ErrUnknown, err)
}

// answered reports whether the last answer is enough.
func (f *Followers) answered(q *Question, account *ledger.Account, last answer) bool {
	if !last.fresh(time.Now()) {
		return false
	}
	if last.yes() || !q.Again {
		return true
	}
	// Attack: a visitor taps the button of the page without end, and each tap
	// is a call of WeChat.
	ok, _ := f.Memory.again.Take(account.AppID+" "+account.OpenID, "", againRate)
	return !ok
}

// reread reads the last answer from the ledger: another gateway may have heard
// one since this one read the person.
func (f *Followers) reread(ctx context.Context, q *Question, last *answer) bool {
	p, err := f.Ledger.Find(ctx, q.Person.ID)
	if err != nil {
		return false
	}
	account, ok := p.Account(q.appID())
	if ok {
		*last = f.Memory.last(&account)
	}
	return ok
}

// Left reports, from memory, whether a person who was let in is known not to
// follow any more.
func (f *Followers) Left(appID string, p *ledger.Person) bool {
	account, ok := p.Account(appID)
	return !ok || f.Memory.last(&account).follow == ledger.FollowsNot
}

// Heard keeps an answer that WeChat gave for another purpose, about a person
// whom the ledger may not know yet. at is when WeChat was asked.
func (f *Followers) Heard(appID, openID string, follows bool, at time.Time) {
	kept := answer{follow: followOf(follows), at: at}
	kept.at = kept.at.Add(freshUnrecorded - kept.life())
	f.Memory.put(&ledger.Account{AppID: appID, OpenID: openID}, kept)
}

func followOf(follows bool) ledger.Follow {
	if follows {
		return ledger.Follows
	}
	return ledger.FollowsNot
}
