package wechat

import (
	"context"
)

// followerInfo is the call for what an official account may know of a follower
// (WeChat: getUserInfo, E4).
var followerInfo = endpoint{op: "follower", path: "/cgi-bin/user/info", kinds: renewable}

// Follower is what an official account may know of somebody without consent.
type Follower struct {
	Subscribed bool   // follows the account
	UnionID    string // as in Token; of followers only, else ""
}

// Follower tells whether openID follows the account, and the unionid if so: the
// only way to it after a silent sign-in. access is the account's own token;
// ErrRenew says that it is of no use. An answer about anybody else is an error.
func (c *Client) Follower(ctx context.Context, access Secret, openID string) (Follower, error) {
	if err := followerInfo.checkAccount(access, openID); err != nil {
		return Follower{}, err
	}
	if openID == "" {
		return Follower{}, followerInfo.fail(RemedyAlert, "the openid is missing")
	}
	r, err := c.call(ctx, followerInfo, []param{
		{"access_token", access.Reveal()},
		{"openid", openID},
		{"lang", "zh_CN"},
	}, access, NewSecret(openID))
	if err != nil {
		return Follower{}, err
	}
	id, unionID, err := r.identity()
	switch {
	case err != nil:
		return Follower{}, followerInfo.malformed(err)
	case id != openID:
		return Follower{}, followerInfo.fail(RemedyAlert, "the answer is of another openid than asked for")
	}
	if text, _ := r.text("subscribe"); text != "1" {
		return Follower{}, nil // nothing is said of others
	}
	return Follower{Subscribed: true, UnionID: unionID}, nil
}
