package push

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// following translates a subscribe or unsubscribe push into what the ledger
// records, nil for other pushes and accounts.
func (a *Account) following(m *wechat.PushMessage, signed, now time.Time) *ledger.Following {
	if !a.aboutFollower(m) {
		return nil
	}
	f := &ledger.Following{AppID: a.Keys.AppID, OpenID: m.Person(), At: now, Pushed: m.CreateTime}
	if f.Pushed.IsZero() {
		f.Pushed = signed
	}
	if f.Pushed.After(now) {
		f.Pushed = now // attack: a time in the future, and no later push counts
	}
	switch {
	case m.Is(wechat.PushUnsubscribe):
		f.Follow = ledger.FollowsNot
	case len(a.Keys.AESKeys) > 0:
		f.Follow = ledger.Follows
	default:
		// Attack: in plain mode, an attacker who has seen one signature makes
		// anyone a follower. The push has WeChat asked, and opens nothing.
		f.Follow = ledger.FollowUnknown
	}
	return f
}

// aboutFollower reports whether this package records such a push as a follow or
// an unfollow.
func (a *Account) aboutFollower(m *wechat.PushMessage) bool {
	return a.Followers && (m.Is(wechat.PushSubscribe) || m.Is(wechat.PushUnsubscribe))
}

// follow records who follows in the ledger. done and over are as for withdraw.
func (h *Handler) follow(s *step) (done, over bool) {
	f := *s.following
	return h.write(s, func(ctx context.Context) (bool, error) {
		p, err := h.Ledger.Follow(ctx, f)
		if err != nil {
			return false, err
		}
		account, ok := p.Account(f.AppID)
		return ok && account.Follow == f.Follow && account.FollowPushed.Unix() == f.Pushed.Unix(), nil
	})
}
