package signin

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// followerTimeout bounds what a silent sign-in waits for a unionid.
const followerTimeout = 2 * time.Second

// addUnionID asks for the unionid of somebody who signs in silently and is not known
// by one: of those who follow the account WeChat tells it (WeChat: getUserInfo, E4),
// and the person is the same everywhere at once. Whatever fails, the sign-in goes
// on without.
func (y Exchanger) addUnionID(ctx context.Context, a wechat.Account, token wechat.Token, sighting *ledger.Observation) {
	if y.FollowerUnionID == nil || sighting.UnionID != "" || token.Scope == wechat.ScopeUserInfo {
		return
	}
	if p, err := y.Ledger.FindOpenID(ctx, a.Credentials.AppID, sighting.OpenID); err != nil && !errors.Is(err, ledger.ErrNotFound) || p.UnionID != "" {
		return // known, or nobody can tell: Ledger.Observe will say so
	}
	ctx, cancel := context.WithTimeout(ctx, followerTimeout)
	defer cancel()
	unionID, err := y.FollowerUnionID(ctx, a.Credentials.AppID, sighting.OpenID)
	y.Log.Answered(a.Name, err, "follower", "token")
	if err != nil {
		y.Log.Note(slog.LevelWarn, "unionid of a follower not fetched", a.Name, "", err)
		return
	}
	sighting.UnionID = unionID
}
