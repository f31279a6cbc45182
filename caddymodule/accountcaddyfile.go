package caddymodule

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// parseAccount returns the parser of the word that begins an account of this
// kind.
func (a *App) parseAccount(e kindEntry) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		line, account := d.Token(), new(Account)
		if d.NextArg() {
			account.Name = d.Val()
		}
		if err := noMore(d, string(e.kind)); err != nil {
			return err
		}
		if err := account.words(e).parse(d, string(e.kind)); err != nil {
			return err
		}
		if err := a.checkAccount(e.kind, account); err != nil {
			return at(line, err.Error())
		}
		list := e.list(a)
		*list = append(*list, account)
		return nil
	}
}

// checkAccount reports what is missing in an account, or conflicts with an
// account before it.
func (a *App) checkAccount(kind wechat.AccountKind, account *Account) error {
	for _, e := range accountKinds {
		for _, other := range *e.list(a) {
			if name := account.nameAs(kind); other.nameAs(e.kind) == name {
				return fmt.Errorf("there are two accounts named %s; name them: %s <name> { … }", name, kind)
			}
			if other.AppID == account.AppID && account.AppID != "" {
				return fmt.Errorf("this app_id belongs to another account too")
			}
		}
	}
	switch {
	case account.AppID == "":
		return fmt.Errorf("%s needs app_id, the account's id such as wx1234567890abcdef", kind)
	case account.AppSecret == "":
		return fmt.Errorf("%s needs app_secret, for example app_secret {env.WECHAT_APP_SECRET}", kind)
	case account.FollowerUnionID && kind != wechat.OfficialAccount:
		return fmt.Errorf("follower_unionid: only an official account has followers")
	case account.QR != "" && kind != wechat.OfficialAccount:
		return errQROfOther
	case account.Push != nil && len(account.Push.Tokens) == 0:
		return fmt.Errorf("push needs push_token, the token (令牌) of WeChat's 服务器配置: unsigned pushes are ignored")
	case account.Push != nil && account.Push.RelayAll && account.Push.Relay == "":
		return fmt.Errorf("push_relay_all needs push_relay")
	}
	return nil
}

func (o *Account) words(e kindEntry) words {
	push := func(parse func(*Push) func(*caddyfile.Dispenser) error) func(*caddyfile.Dispenser) error {
		return func(d *caddyfile.Dispenser) error {
			if o.Push == nil {
				o.Push = new(Push)
			}
			return parse(o.Push)(d)
		}
	}
	return words{
		"app_id":      checked(&o.AppID, checkAppID),
		"app_secret":  checked(&o.AppSecret, checkAppSecret),
		"verify_file": o.parseVerifyFile(e),

		"follower_unionid": onOff(&o.FollowerUnionID),
		"qr":               text(&o.QR),
		"push_token":       push(func(p *Push) func(*caddyfile.Dispenser) error { return twice(&p.Tokens, checkPushToken) }),
		"push_aes_key":     push(func(p *Push) func(*caddyfile.Dispenser) error { return twice(&p.AESKeys, checkPushAESKey) }),
		"push_relay":       push(func(p *Push) func(*caddyfile.Dispenser) error { return checked(&p.Relay, checkTargetURL) }),
		"push_relay_all":   push(func(p *Push) func(*caddyfile.Dispenser) error { return flag(&p.RelayAll) }),
		"push_unsubscribe": push(func(p *Push) func(*caddyfile.Dispenser) error {
			return checked(&p.Unsubscribe, checkUnsubscribe)
		}),
	}
}

func (o *Account) parseVerifyFile(e kindEntry) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var f VerifyFile
		if !d.Args(&f.Name, &f.Content) {
			return d.Err("verify_file needs the file's name and its content: verify_file MP_verify_AbCd1234.txt AbCd1234")
		}
		if err := noMore(d, "verify_file"); err != nil {
			return err
		}
		if err := e.checkVerifyFile(f); err != nil {
			return d.Err(err.Error())
		}
		o.VerifyFiles = append(o.VerifyFiles, f)
		return nil
	}
}

func checkUnsubscribe(value string) error {
	if !slices.Contains(choices["push_unsubscribe"], value) {
		return fmt.Errorf("%q is not one of %v", value, choices["push_unsubscribe"])
	}
	return nil
}

// twice returns a word for a secret that may be given twice while rotating.
func twice(into *[]string, check func(string) error) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		if len(*into) == maxPushKeys {
			return d.Errf("%s is given three times; it may be given twice, while rotating", word)
		}
		var value string
		if err := checked(&value, check)(d); err != nil {
			return err
		}
		*into = append(*into, value)
		return nil
	}
}

// onOff returns a word with the value on or off.
func onOff(into *bool) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		var value string
		if err := checked(&value, func(value string) error {
			if value != "on" && value != "off" {
				return fmt.Errorf("'%s' is not one of: on, off", value)
			}
			return nil
		})(d); err != nil {
			return err
		}
		if *into {
			return d.Errf("%s is given twice", word)
		}
		*into = value == "on"
		return nil
	}
}

// flag returns a word without a value.
func flag(into *bool) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		if *into {
			return d.Errf("%s is given twice", word)
		}
		*into = true
		return noMore(d, word)
	}
}
