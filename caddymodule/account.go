package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Account is one WeChat account: an app id with its secret. Both are in
// WeChat's console: at mp.weixin.qq.com for official accounts and mini
// programs, at open.weixin.qq.com for mobile apps and websites.
type Account struct {
	// The name by which sites and addresses refer to the account: letters,
	// digits, - and _, 32 at most, unique among all accounts. Default:
	// "default" for an official account, else the word that begins its block,
	// such as "mini_program".
	Name string `json:"name,omitempty"`

	// The account's app id, "wx" and 16 lower-case hexadecimal digits.
	// Required. Placeholders of the environment and of files are allowed.
	AppID string `json:"app_id,omitempty"`

	// The account's app secret. Required. Use a placeholder, such as
	// `{env.WECHAT_APP_SECRET}` or `{file./run/secrets/wechat}`, so that the
	// secret is not part of the configuration. A literal value causes a warning
	// at each start.
	AppSecret string `json:"app_secret,omitempty"`

	// The files by which WeChat checks that a domain is yours. They are served
	// at the root of every site with `wechat_auth`. Official accounts and mini
	// programs only. Default: none.
	VerifyFiles []VerifyFile `json:"verify_files,omitempty"`

	// Whether the gateway asks WeChat for the unionid of a follower of this
	// official account who signed in silently. This takes one more call to
	// WeChat for each new follower. Official accounts only. Default: false, in
	// a Caddyfile `off`.
	FollowerUnionID bool `json:"follower_unionid,omitempty"`

	// The file with the QR code by which visitors follow this official account,
	// for sites with `allow followers`: PNG, JPEG, WebP or SVG, of at most 256
	// KiB and 2048 × 2048 pixels. It is read when the configuration is loaded.
	// Placeholders of the environment and of files are allowed. Default: the
	// gateway asks WeChat for a code (`qrcode/create`) and draws it.
	QR string `json:"qr,omitempty"`

	// The message push (消息推送) that WeChat's server sends for this account.
	// Default: none; message pushes are answered with 404.
	Push *Push `json:"push,omitempty"`
}

// VerifyFile is one of WeChat's ownership files.
type VerifyFile struct {
	// The file's name, such as `MP_verify_AbCd1234.txt`. Required.
	Name string `json:"name"`

	// The file's content, such as `AbCd1234`. Required.
	Content string `json:"content"`
}

// defaultAccount is the name of an official account without a configured name.
const defaultAccount = "default"

// provisionedAccount is an account, checked and ready.
type provisionedAccount struct {
	wechat.Account
	files     []VerifyFile
	push      *provisionedPush
	followers bool
	qr        page.Code
}

var (
	accountName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	verifyContent = regexp.MustCompile(`^[A-Za-z0-9]{1,128}$`)
)

// errQROfOther reports the option qr in an account without followers.
var errQROfOther = errors.New("qr: only an official account has followers")

func (a *App) provisionAccounts() error {
	if len(a.OfficialAccounts) == 0 {
		return fmt.Errorf("no account: add official_account { app_id … app_secret … } to the wechat block")
	}
	names, appIDs := map[string]bool{}, map[string]bool{}
	for _, e := range accountKinds {
		for _, account := range *e.list(a) {
			p, err := account.provision(e, a.logger)
			if err != nil {
				return fmt.Errorf("%s %s: %w", e.kind, account.nameAs(e.kind), err)
			}
			switch {
			case names[p.Name]:
				return fmt.Errorf("%s %s: there are two accounts of this name; name them: %s <name> { … }", e.kind, p.Name, e.kind)
			case appIDs[p.Credentials.AppID]:
				return fmt.Errorf("%s %s: its app_id belongs to another account too", e.kind, p.Name)
			}
			for _, f := range p.files {
				if content, ok := a.verifyFile("/" + f.Name); ok && content != f.Content {
					return fmt.Errorf("%s %s: verify_file %s is given with another content too", e.kind, p.Name, f.Name)
				}
			}
			names[p.Name], appIDs[p.Credentials.AppID] = true, true
			a.accounts = append(a.accounts, p)
		}
	}
	return nil
}

// provision checks an account. The caller puts the account's name in front of
// its errors.
func (o *Account) provision(e kindEntry, logger *slog.Logger) (provisionedAccount, error) {
	name := o.nameAs(e.kind)
	if !accountName.MatchString(name) {
		return provisionedAccount{}, fmt.Errorf("the name may have letters, digits, - and _, 32 at most")
	}
	appID, err := expand("app_id", o.AppID)
	if err != nil {
		return provisionedAccount{}, err
	}
	secret, err := expand("app_secret", o.AppSecret)
	if err != nil {
		return provisionedAccount{}, err
	}
	switch {
	case appID == "":
		return provisionedAccount{}, fmt.Errorf("app_id is missing or empty")
	case secret == "":
		return provisionedAccount{}, fmt.Errorf("app_secret is missing or empty")
	}
	if err := checkAppID(appID); err != nil {
		return provisionedAccount{}, fmt.Errorf("app_id%s: %w", source(o.AppID), err)
	}
	if err := checkAppSecret(secret); err != nil {
		return provisionedAccount{}, fmt.Errorf("app_secret%s: %w", source(o.AppSecret), err)
	}
	o.warnOfSecret(name, secret, logger)
	if o.FollowerUnionID && e.kind != wechat.OfficialAccount {
		return provisionedAccount{}, fmt.Errorf("follower_unionid: only an official account has followers")
	}
	if o.QR != "" && e.kind != wechat.OfficialAccount {
		return provisionedAccount{}, errQROfOther
	}
	qr, err := o.loadQR()
	if err != nil {
		return provisionedAccount{}, err
	}
	for _, f := range o.VerifyFiles {
		if err := e.checkVerifyFile(f); err != nil {
			return provisionedAccount{}, err
		}
		e.warnOfVerifyFile(f, name, logger)
	}
	push, err := o.Push.provision(name, logger)
	if err != nil {
		return provisionedAccount{}, err
	}
	return provisionedAccount{
		Account: wechat.Account{Kind: e.kind, Name: name, Credentials: wechat.Credentials{AppID: appID, Secret: wechat.NewSecret(secret)}},
		files:   o.VerifyFiles, push: push, followers: o.FollowerUnionID, qr: qr,
	}, nil
}

// account returns the official account of this name; the first one for "".
func (a *App) account(name string) (provisionedAccount, error) {
	for _, account := range a.accounts {
		if account.Kind == wechat.OfficialAccount && (name == "" || account.Name == name) {
			return account, nil
		}
	}
	return provisionedAccount{}, fmt.Errorf("there is no official account named %q in the wechat block; a site needs one to sign browsers in", name)
}

// verifyFile returns the content of a verify file by its path.
func (a *App) verifyFile(path string) (string, bool) {
	for _, account := range a.accounts {
		for _, f := range account.files {
			if path == "/"+f.Name {
				return f.Content, true
			}
		}
	}
	return "", false
}
