package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// checked returns the parser of a word whose value is checked while it is
// parsed, so that the error has a line number. A value with a placeholder is
// checked when the server starts.
func checked(into *string, check func(string) error) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		if err := text(into)(d); err != nil {
			return err
		}
		if hasPlaceholder(*into) {
			return nil
		}
		if err := check(*into); err != nil {
			return d.Errf("%s: %v", word, err)
		}
		return nil
	}
}

func checkOrigin(value string) error {
	if _, ok := request.CanonicalOrigin(value); !ok {
		return fmt.Errorf("'%s' is not an origin like https://shop.example.com", withoutUser(value))
	}
	return nil
}

func checkHost(value string) error {
	if !isHostURL(value) {
		return fmt.Errorf("'%s' is not an address like https://api.weixin.qq.com", withoutUser(value))
	}
	return nil
}

// checkKey checks a session key. Its errors never contain the key.
func checkKey(value string) error {
	_, err := session.NewRing(value)
	return err
}

// wechatBlock returns the wechat block of the global options.
func wechatBlock(h httpcaddyfile.Helper) (*App, error) {
	option, ok := h.Option("wechat").(httpcaddyfile.App)
	if !ok {
		return nil, errors.New("wechat_auth needs an account: add a wechat { official_account { … } } block to the global options")
	}
	app := new(App)
	if err := json.Unmarshal(option.Value, app); err != nil {
		return nil, fmt.Errorf("reading the wechat block: %w", err)
	}
	return app, nil
}

// checkAccount reports a missing wechat block, and accounts of a site that are
// not in it.
func checkAccount(h httpcaddyfile.Helper, name string, others []string) error {
	others = slices.Clone(others)
	app, err := wechatBlock(h)
	if err != nil {
		return err
	}
	for _, e := range accountKinds {
		if e.kind != wechat.OfficialAccount {
			for _, account := range *e.list(app) {
				others = slices.DeleteFunc(others, func(name string) bool { return name == account.nameAs(e.kind) })
			}
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("account: there is no %s '%s' in the wechat block; the first name is the official account's", otherKinds(), others[0])
	}
	names := make([]string, 0, len(app.OfficialAccounts))
	for _, account := range app.OfficialAccounts {
		names = append(names, account.nameAs(wechat.OfficialAccount))
	}
	if name != "" && !slices.Contains(names, name) {
		return fmt.Errorf("account: there is no official account '%s' in the wechat block, but: %v", name, names)
	}
	return nil
}
