package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// askTimeout bounds how long a request waits for WeChat.
const askTimeout = 3 * time.Second

// The calls of WeChat that a question needs, as in [wechat.Error].
const (
	callFollower = "follower"
	callToken    = "token"
)

// ask asks WeChat, once for all who ask about the same person at the same time.
// Questions from before and after a push are different ones.
func (f *Followers) ask(ctx context.Context, q *Question, account ledger.Account) (ledger.Follow, error) {
	mark := account.FollowMark()
	key := fmt.Sprintf("%s %s %d %d %t", account.AppID, account.OpenID, mark.Follow, mark.Pushed.Unix(), q.Again)
	got, err, _ := f.Memory.flights.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		return f.askOnce(ctx, q, account)
	})
	follow, _ := got.(ledger.Follow)
	return follow, err
}

// askOnce asks WeChat within the limits, and remembers the answer.
func (f *Followers) askOnce(ctx context.Context, q *Question, account ledger.Account) (ledger.Follow, error) {
	// A question that was asked a moment ago may have been answered since the
	// caller looked.
	last := f.Memory.last(&account)
	switch now := time.Now(); {
	case !q.Again && last.fresh(now):
		return last.follow, nil
	case last.refused != nil && now.Before(last.until):
		return ledger.FollowUnknown, last.refused
	}
	line := f.Memory.line(account.AppID)
	leave, err := line.enter(q.Network, time.Now())
	if err != nil {
		return ledger.FollowUnknown, err
	}
	began := time.Now()
	follows, err := f.Ask(ctx, account.AppID, account.OpenID)
	leave(err)
	q.Log.Answered(q.Account.Name, err, callFollower, callToken)
	if err != nil {
		if aboutPerson(err) {
			last.refused, last.until = err, time.Now().Add(pauseLong)
			f.Memory.put(&account, last)
		}
		q.logFailure(err)
		return ledger.FollowUnknown, err
	}
	kept := answer{follow: followOf(follows), at: began, mark: account.FollowMark()}
	f.Memory.put(&account, kept)
	return f.record(ctx, q, account, kept), nil
}

// record writes an answer to the ledger, and returns what holds now: a push may
// have come meanwhile.
func (f *Followers) record(ctx context.Context, q *Question, account ledger.Account, heard answer) ledger.Follow {
	p, err := f.Ledger.Follow(ctx, ledger.Following{
		AppID: account.AppID, OpenID: account.OpenID, Follow: heard.follow, At: heard.at, Known: heard.mark,
	})
	now, ok := p.Account(account.AppID)
	switch {
	case errors.Is(err, ledger.ErrNotFound), err == nil && !ok:
		f.Memory.drop(&account) // erased, or moved to another person, meanwhile
		return ledger.FollowsNot
	case err != nil:
		// The answer is true all the same. It is lost at a restart, and other
		// gateways ask for themselves.
		q.Log.Note(slog.LevelWarn, "could not store who follows", q.Account.Name, "", err)
		return heard.follow
	case now.Follow != heard.follow:
		return now.Follow
	}
	heard.mark = now.FollowMark()
	f.Memory.put(&now, heard)
	return heard.follow
}

// logFailure logs that WeChat could not be asked: the operator must act, or it
// passes.
func (q *Question) logFailure(err error) {
	level := slog.LevelWarn
	if errors.Is(err, wechat.ErrAlert) {
		level = slog.LevelError
	}
	q.Log.Note(level, "could not ask WeChat who follows; the last answer holds for a day", q.Account.Name, "", err)
}
