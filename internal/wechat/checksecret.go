package wechat

import (
	"context"
	"errors"
)

// noCode is a code that WeChat cannot have made.
const noCode = "doctor"

// CheckSecret asks WeChat whether it accepts app id and secret of an account,
// and returns nil if it does. It invalidates nothing: for accounts with a
// global token it fetches the valid one again (wechat-protocol E2), for others
// it exchanges a code that does not exist. WeChat looks at app id and secret
// first, so an answer about the code means that it accepts them.
func (c *Client) CheckSecret(ctx context.Context, a Account) error {
	if a.Kind.HasGlobalToken() {
		_, _, err := c.stableToken(ctx, a.Credentials, false)
		return err
	}
	_, err := c.Exchange(ctx, a.Credentials, noCode)
	if e, ok := errors.AsType[*Error](err); ok && e.Code != 0 && e.Remedy == RemedyRestart {
		return nil
	}
	return err
}

// noOpenID is an openid that no person has.
const noOpenID = "doctor"

// CheckFollowers asks WeChat whether an official account may know who follows
// it, and returns nil if so. It asks about an openid that does not exist:
// WeChat looks at the account's permission first, so an answer about the openid
// means that the account has it.
func (c *Client) CheckFollowers(ctx context.Context, a Account) error {
	access, _, err := c.stableToken(ctx, a.Credentials, false)
	if err != nil {
		return err
	}
	_, err = c.Follower(ctx, access, noOpenID)
	if e, ok := errors.AsType[*Error](err); ok && e.Code != 0 && e.Remedy == RemedyDeny {
		return nil
	}
	return err
}

// APIAddress is the address of WeChat's server API that c calls, without a
// slash at its end.
func (c *Client) APIAddress() string { return base(c.APIURL, defaultAPIURL) }
