package signin

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// followerTimeout bounds how long a silent sign-in waits for a unionid.
const followerTimeout = 2 * time.Second

// addUnionID asks for the unionid of a person who signs in silently and has no
// known one. WeChat gives it for followers of the account (wechat-protocol E4),
// so that the person is the same at all accounts at once. If the call fails,
// the sign-in goes on without it.
func (y Exchanger) addUnionID(ctx context.Context, a wechat.Account, token wechat.Token, observation *ledger.Observation) {
	if y.FollowerUnionID == nil || observation.UnionID != "" || token.Scope == wechat.ScopeUserInfo {
		return
	}
	if p, err := y.Ledger.FindOpenID(ctx, a.Credentials.AppID, observation.OpenID); err != nil && !errors.Is(err, ledger.ErrNotFound) || p.UnionID != "" {
		return // the unionid is known, or the ledger is unavailable, as Ledger.Observe will report
	}
	ctx, cancel := context.WithTimeout(ctx, followerTimeout)
	defer cancel()
	unionID, err := y.FollowerUnionID(ctx, a.Credentials.AppID, observation.OpenID)
	y.Log.Answered(a.Name, err, "follower", "token")
	if err != nil {
		y.Log.Note(slog.LevelWarn, "could not fetch the unionid of a follower", a.Name, y.Flow, err)
		return
	}
	observation.UnionID = unionID
}
