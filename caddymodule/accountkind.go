package caddymodule

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

// accountKind is one kind of WeChat account: the word that begins its block in a
// Caddyfile.
type accountKind string

// The kinds, as WeChat has them.
const (
	kindOfficial accountKind = "official_account" // 公众号, 服务号: visitors of a site inside WeChat
	kindMini     accountKind = "mini_program"     // 小程序
	kindMobile   accountKind = "mobile_app"       // 移动应用
	kindWebsite  accountKind = "website"          // 网站应用: QR sign-in on a desktop
)

// kindEntry is one kind with its list in the app, and the form of the files by
// which WeChat checks that a domain is the account's; nil where there are none.
type kindEntry struct {
	kind       accountKind
	list       func(*App) *[]*Account
	verifyName *regexp.Regexp
	verifyForm string
}

var accountKinds = []kindEntry{
	{kindOfficial, func(a *App) *[]*Account { return &a.OfficialAccounts }, regexp.MustCompile(`^(MP|WW)_verify_[A-Za-z0-9]{1,64}\.txt$`), "MP_verify_AbCd1234.txt AbCd1234"},
	{kindMini, func(a *App) *[]*Account { return &a.MiniPrograms }, regexp.MustCompile(`^[A-Za-z0-9]{6,64}\.txt$`), "AbCd12EfGh.txt AbCd12EfGh"},
	{kindMobile, func(a *App) *[]*Account { return &a.MobileApps }, nil, ""},
	{kindWebsite, func(a *App) *[]*Account { return &a.Websites }, nil, ""},
}

// defaultName is the name of an account that was given none.
func (k accountKind) defaultName() string {
	if k == kindOfficial {
		return defaultAccount
	}
	return string(k)
}

// nameOf is the account's name, its kind's default if it was given none.
func (k accountKind) nameOf(account *Account) string {
	if account.Name == "" {
		return k.defaultName()
	}
	return account.Name
}

// checkVerifyFile says what is wrong with a verify file of such an account.
func (k accountKind) checkVerifyFile(f VerifyFile) error {
	e := accountKinds[slices.IndexFunc(accountKinds, func(e kindEntry) bool { return e.kind == k })]
	switch {
	case e.verifyName == nil:
		return fmt.Errorf("verify_file: WeChat checks no domain for a %s this way", k)
	case !e.verifyName.MatchString(f.Name) || !verifyContent.MatchString(f.Content):
		return fmt.Errorf("verify_file must look like %s", e.verifyForm)
	}
	return nil
}

// warnOfVerifyFile says that a verify file does not hold what WeChat looks for:
// those of an official account hold the end of their name.
func (k accountKind) warnOfVerifyFile(f VerifyFile, account string, logger *slog.Logger) {
	name := strings.TrimSuffix(f.Name, ".txt")
	if want := name[strings.LastIndexByte(name, '_')+1:]; k == kindOfficial && f.Content != want {
		logger.Warn("verify_file: the content does not fit the file's name; WeChat will refuse the domain unless it gave you this very file",
			slog.String("account", account), slog.String("file", f.Name), slog.String("content", f.Content), slog.String("expected", want))
	}
}
