package gate

import (
	"context"
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
func (g *Gate) addUnionID(ctx context.Context, token wechat.Token, sighting *ledger.Sighting) {
	if g.Hub.FollowerUnionID == nil || sighting.UnionID != "" || token.Scope == wechat.ScopeUserInfo {
		return
	}
	if p, err := g.Hub.Ledger.FindOpenID(ctx, sighting.AppID, sighting.OpenID); err != nil && !isNobody(err) || p.UnionID != "" {
		return // known, or nobody can tell: See will say so
	}
	ctx, cancel := context.WithTimeout(ctx, followerTimeout)
	defer cancel()
	unionID, err := g.Hub.FollowerUnionID(ctx, sighting.AppID, sighting.OpenID)
	g.log().Answered(g.Account.Name, err, "follower", "token")
	if err != nil {
		g.logWeChat(slog.LevelWarn, "unionid of a follower not fetched", Flow{}, err)
		return
	}
	sighting.UnionID = unionID
}
