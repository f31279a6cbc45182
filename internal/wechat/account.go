package wechat

import (
	"context"
	"errors"
	"time"
)

// What can be wrong with an answer about the account itself.
var (
	errNoToken  = errors.New("the answer has no valid access_token")
	errNoTicket = errors.New("the answer has no valid ticket")
)

// Credentials are one account's app id and app secret.
type Credentials struct {
	AppID  string
	Secret Secret
}

// leastLife is the lifetime of a token or ticket whose answer contains none.
// The stable token never lives shorter (wechat-protocol E2).
const leastLife = 300 * time.Second

// renewable maps the codes that report an invalid account token to RemedyRenew,
// for calls that use that token. 40001 has this remedy in general.
var renewable = map[int]Remedy{40014: RemedyRenew, 42001: RemedyRenew}

// The calls of the account itself (wechat-protocol E2, E5).
var (
	stableToken = endpoint{
		op: "token", path: "/cgi-bin/stable_token", single: true,
		kinds: map[int]Remedy{40001: RemedyAlert}, // no token is involved: the secret is wrong
	}
	jsTicket = endpoint{op: "ticket", path: "/cgi-bin/ticket/getticket", kinds: renewable}
)

// stableToken returns the account's access token and its lifetime. WeChat
// returns the same token until less than five minutes are left; then it returns
// a new one, and both work. force makes WeChat issue a new token at once and
// invalidates the old one; WeChat allows this 20 times a day, 30 seconds apart.
func (c *Client) stableToken(ctx context.Context, cred Credentials, force bool) (Secret, time.Duration, error) {
	if err := stableToken.checkCredentials(cred); err != nil {
		return Secret{}, 0, err
	}
	message := struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}{"client_credential", cred.AppID, cred.Secret.Reveal(), force}
	r, err := c.post(WithAppID(ctx, cred.AppID), stableToken, nil, message, cred.Secret)
	if err != nil {
		return Secret{}, 0, err
	}
	return stableToken.lent(r, "access_token", errNoToken)
}

// jsTicket returns the ticket that signs pages of the account, and its
// lifetime.
func (c *Client) jsTicket(ctx context.Context, access Secret) (Secret, time.Duration, error) {
	if err := jsTicket.checkAccount(access, ""); err != nil {
		return Secret{}, 0, err
	}
	r, err := c.call(ctx, jsTicket, []param{
		{"access_token", access.Reveal()},
		{"type", "jsapi"},
	}, access)
	if err != nil {
		return Secret{}, 0, err
	}
	return jsTicket.lent(r, "ticket", errNoTicket)
}

// lent reads an answer with a value and its lifetime.
func (ep endpoint) lent(r reply, name string, missing error) (Secret, time.Duration, error) {
	value, ok := r.text(name)
	if !ok || !sendable(value, maxToken) {
		return Secret{}, 0, ep.malformed(missing)
	}
	life := parseExpiresIn(r)
	if life <= 0 {
		life = leastLife
	}
	return NewSecret(value), life, nil
}

// checkAccount refuses an account token, or a non-empty openid, that cannot be
// sent.
func (ep endpoint) checkAccount(access Secret, openID string) error {
	if !sendable(access.Reveal(), maxToken) {
		return ep.fail(RemedyRenew, "the account's token is missing or malformed")
	}
	if id, ok := parseID(openID); openID != "" && (!ok || id != openID) {
		return ep.fail(RemedyAlert, "the openid is malformed")
	}
	return nil
}
