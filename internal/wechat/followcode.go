package wechat

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// followCode is the call that makes a QR code by which persons follow the
// account (wechat-protocol E6).
var followCode = endpoint{op: "qrcode", path: "/cgi-bin/qrcode/create", kinds: renewable}

const (
	// followScene is the scene of our codes: the push about a person who follows
	// by one has the EventKey qrscene_wechat_gateway.
	followScene = "wechat_gateway"
	// followCodeLife is the longest life of a temporary code. A permanent one
	// would count against the 100,000 that an account may ever have.
	followCodeLife = 30 * 24 * time.Hour
	// maxFollowCode bounds the address in a code, in bytes: a longer one makes a
	// code that phones read badly.
	maxFollowCode = 256
)

var errNoFollowCode = errors.New("the answer has no valid address for a QR code")

// followCode returns the address to draw as a QR code, and how long it is
// valid.
func (c *Client) followCode(ctx context.Context, access Secret) (Secret, time.Duration, error) {
	if err := followCode.checkAccount(access, ""); err != nil {
		return Secret{}, 0, err
	}
	var message struct {
		ExpireSeconds int    `json:"expire_seconds"`
		ActionName    string `json:"action_name"`
		ActionInfo    struct {
			Scene struct {
				Text string `json:"scene_str"`
			} `json:"scene"`
		} `json:"action_info"`
	}
	message.ExpireSeconds, message.ActionName = int(followCodeLife/time.Second), "QR_STR_SCENE"
	message.ActionInfo.Scene.Text = followScene
	r, err := c.post(ctx, followCode, []param{{"access_token", access.Reveal()}}, message, access)
	if err != nil {
		return Secret{}, 0, err
	}
	address, _ := r.text("url")
	life := parseCodeLife(r)
	if address = strings.TrimSpace(address); !followAddress(address) || life <= 0 {
		return Secret{}, 0, followCode.malformed(errNoFollowCode)
	}
	return NewSecret(address), life, nil
}

// followAddress reports whether an address may be drawn for visitors to scan.
func followAddress(address string) bool {
	if !sendable(address, maxFollowCode) {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}

// parseCodeLife reads how long a code is valid; 0 if the answer does not say
// it.
func parseCodeLife(r reply) time.Duration {
	text, _ := r.text("expire_seconds")
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int64(followCodeLife/time.Second))) * time.Second
}

// FollowCode returns the address to draw as a QR code by which persons follow
// the account. It is kept in the same way as the token.
func (g *GlobalToken) FollowCode(ctx context.Context) (string, error) {
	g.start()
	address, err := g.code.get(ctx)
	return address.Reveal(), err
}

// fetchCode makes a code.
func (g *GlobalToken) fetchCode(ctx context.Context, _ bool) (address Secret, life time.Duration, err error) {
	err = g.Do(ctx, func(ctx context.Context, access Secret) error {
		address, life, err = g.Client.followCode(ctx, access)
		return err
	})
	return address, life, err
}
