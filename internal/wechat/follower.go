package wechat

import (
	"context"
	"errors"
)

// followerInfo is the call for data about a follower of an official account
// (wechat-protocol E4). It asks about one person: 40003 says nothing about
// others.
var followerInfo = endpoint{
	op: "follower", path: "/cgi-bin/user/info",
	kinds: map[int]Remedy{40003: RemedyDeny, 40014: RemedyRenew, 42001: RemedyRenew},
}

// errNoSubscribe reports an answer that does not say whether a person follows.
var errNoSubscribe = errors.New("the answer does not say whether the person follows")

// Follower is what an official account may know about a person without consent.
type Follower struct {
	Subscribed bool   // follows the account
	UnionID    string // as in Token; "" if the person does not follow
}

// Follower returns whether openID follows the account, and the unionid if so.
// After a silent sign-in this is the only way to the unionid. access is the
// account's global token; ErrRenew means that it is invalid. An answer about
// another openid is an error.
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
		return Follower{}, followerInfo.fail(RemedyAlert, "the answer belongs to another openid")
	}
	switch text, _ := r.text("subscribe"); text {
	case "1":
		return Follower{Subscribed: true, UnionID: unionID}, nil
	case "0":
		return Follower{}, nil // WeChat says nothing more about other persons
	default:
		// Not a no: allow followers would turn a follower away.
		return Follower{}, followerInfo.malformed(errNoSubscribe)
	}
}
