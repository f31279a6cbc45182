package caddymodule

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// OfficialAccount is one official account: an app id with its secret, from the
// account's console at mp.weixin.qq.com under 设置与开发 → 基本配置.
type OfficialAccount struct {
	// The name by which sites refer to the account. Default: "default".
	Name string `json:"name,omitempty"`

	// The account's app id, "wx" and 16 hexadecimal digits. Required.
	// Placeholders of the environment and of files are allowed.
	AppID string `json:"app_id,omitempty"`

	// The account's app secret. Required. Use a placeholder, such as
	// `{env.WECHAT_APP_SECRET}` or `{file./run/secrets/wechat}`, so that it does
	// not appear in the configuration; a literal value is warned about.
	AppSecret string `json:"app_secret,omitempty"`

	// The files by which WeChat checks that a callback domain is yours. They
	// are served at the root of every guarded site.
	VerifyFiles []VerifyFile `json:"verify_files,omitempty"`
}

// VerifyFile is one of WeChat's ownership files.
type VerifyFile struct {
	// The file's name, such as `MP_verify_AbCd1234.txt`.
	Name string `json:"name"`

	// What the file holds, such as `AbCd1234`.
	Content string `json:"content"`
}

// defaultAccount is the name of an account that was given none.
const defaultAccount = "default"

type provisionedAccount struct {
	gate.Account
	files []VerifyFile
}

var (
	accountName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	appIDForm     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	verifyName    = regexp.MustCompile(`^(MP|WW)_verify_[A-Za-z0-9]{1,64}\.txt$`)
	verifyContent = regexp.MustCompile(`^[A-Za-z0-9]{1,128}$`)
)

func (a *App) provisionAccounts() error {
	if len(a.OfficialAccounts) == 0 {
		return fmt.Errorf("no account: add official_account { app_id … app_secret … } to the wechat block")
	}
	names, appIDs := map[string]bool{}, map[string]bool{}
	for _, account := range a.OfficialAccounts {
		p, err := account.provision(a.logger)
		if err != nil {
			return err
		}
		if names[p.Name] {
			return fmt.Errorf("official_account %s: there are two accounts of this name; name them: official_account <name> { … }", p.Name)
		}
		if appIDs[p.Credentials.AppID] {
			return fmt.Errorf("official_account %s: its app_id belongs to another account too", p.Name)
		}
		for _, f := range p.files {
			if content, ok := a.verifyFile("/" + f.Name); ok && content != f.Content {
				return fmt.Errorf("official_account %s: verify_file %s is given with another content too", p.Name, f.Name)
			}
		}
		names[p.Name], appIDs[p.Credentials.AppID] = true, true
		a.accounts = append(a.accounts, p)
	}
	return nil
}

func (o *OfficialAccount) provision(logger *slog.Logger) (provisionedAccount, error) {
	name := o.Name
	if name == "" {
		name = defaultAccount
	}
	where := "official_account " + name
	if !accountName.MatchString(name) {
		return provisionedAccount{}, fmt.Errorf("%s: the name may have letters, digits, - and _, 32 at most", where)
	}
	appID, err := expand(where+": app_id", o.AppID)
	if err != nil {
		return provisionedAccount{}, err
	}
	secret, err := expand(where+": app_secret", o.AppSecret)
	if err != nil {
		return provisionedAccount{}, err
	}
	switch {
	case appID == "":
		return provisionedAccount{}, fmt.Errorf("%s: app_id is missing or empty", where)
	case !appIDForm.MatchString(appID):
		return provisionedAccount{}, fmt.Errorf("%s: app_id must look like wx1234567890abcdef", where)
	case secret == "":
		return provisionedAccount{}, fmt.Errorf("%s: app_secret is missing or empty", where)
	}
	if isLiteral(o.AppSecret) {
		logger.Warn("app_secret stands in the configuration; prefer {env.…} or {file.…}", slog.String("account", name))
	}
	for _, f := range o.VerifyFiles {
		if !verifyName.MatchString(f.Name) || !verifyContent.MatchString(f.Content) {
			return provisionedAccount{}, fmt.Errorf("%s: verify_file must look like MP_verify_AbCd1234.txt AbCd1234", where)
		}
	}
	return provisionedAccount{
		Account: gate.Account{Name: name, Credentials: wechat.Credentials{AppID: appID, Secret: wechat.NewSecret(secret)}},
		files:   o.VerifyFiles,
	}, nil
}

// account returns the account of this name; the first one for "".
func (a *App) account(name string) (provisionedAccount, error) {
	if name == "" {
		return a.accounts[0], nil
	}
	for _, account := range a.accounts {
		if account.Name == name {
			return account, nil
		}
	}
	return provisionedAccount{}, fmt.Errorf("there is no account named %q in the wechat block", name)
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
