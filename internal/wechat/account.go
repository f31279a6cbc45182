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

// leastLife is the lifetime of a token or ticket that came without one. The stable
// token has never less (WeChat: getStableAccessToken, E2).
const leastLife = 300 * time.Second

// renewable is what calls with the account's token make of the codes that say
// that it is of no use: another is to be had. 40001 says so in general.
var renewable = map[int]Remedy{40014: RemedyRenew, 42001: RemedyRenew}

// The calls of the account itself (WeChat: E2, E5).
var (
	stableToken = endpoint{
		op: "token", path: "/cgi-bin/stable_token", single: true,
		kinds: map[int]Remedy{40001: RemedyAlert}, // there is no token yet: the secret is wrong
	}
	jsTicket = endpoint{op: "ticket", path: "/cgi-bin/ticket/getticket", kinds: renewable}
)

// stableToken returns the account's access token and how long it lives. Asked
// again, WeChat gives the same one until it has less than five minutes left, when
// it gives a new one beside it. force makes it give a new one now and kills the
// old: 20 times a day, 30 seconds apart, else it is not done.
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
	r, err := c.post(ctx, stableToken, nil, message, cred.Secret)
	if err != nil {
		return Secret{}, 0, err
	}
	return stableToken.lent(r, "access_token", errNoToken)
}

// jsTicket returns the ticket that signs pages of the account, and how long it
// lives.
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

// lent reads an answer that gives a value for some time.
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

// checkAccount reports what cannot be sent as the account's token and, unless
// empty, as a visitor's openid.
func (ep endpoint) checkAccount(access Secret, openID string) error {
	if !sendable(access.Reveal(), maxToken) {
		return ep.fail(RemedyRenew, "the account's token is missing or malformed")
	}
	if id, ok := parseID(openID); openID != "" && (!ok || id != openID) {
		return ep.fail(RemedyAlert, "the openid is malformed")
	}
	return nil
}
