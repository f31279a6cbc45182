package caddymodule

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// kindEntry is a kind of account with its list in the app and the form of its
// verify files, by which WeChat checks that a domain belongs to the account.
// The form is nil for kinds without verify files.
type kindEntry struct {
	kind       wechat.AccountKind
	list       func(*App) *[]*Account
	verifyName *regexp.Regexp
	verifyForm string
}

// accountKinds has an entry for each of [wechat.AccountKinds], in the same
// order.
var accountKinds = []kindEntry{
	{wechat.OfficialAccount, func(a *App) *[]*Account { return &a.OfficialAccounts }, regexp.MustCompile(`^(MP|WW)_verify_[A-Za-z0-9]{1,64}\.txt$`), "MP_verify_AbCd1234.txt AbCd1234"},
	{wechat.MiniProgram, func(a *App) *[]*Account { return &a.MiniPrograms }, regexp.MustCompile(`^[A-Za-z0-9]{6,64}\.txt$`), "AbCd12EfGh.txt AbCd12EfGh"},
	{wechat.MobileApp, func(a *App) *[]*Account { return &a.MobileApps }, nil, ""},
	{wechat.Website, func(a *App) *[]*Account { return &a.Websites }, nil, ""},
}

// otherKinds lists, for messages, the kinds that a site admits beside its
// official account.
func otherKinds() string {
	kinds := slices.DeleteFunc(wechat.AccountKinds(), func(k wechat.AccountKind) bool { return k == wechat.OfficialAccount })
	var b strings.Builder
	for i, kind := range kinds {
		switch i {
		case 0:
		case len(kinds) - 1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(kind))
	}
	return b.String()
}

// nameAs returns the account's name, or the default name for this kind.
func (o *Account) nameAs(kind wechat.AccountKind) string {
	switch {
	case o.Name != "":
		return o.Name
	case kind == wechat.OfficialAccount:
		return defaultAccount
	default:
		return string(kind)
	}
}

// checkVerifyFile reports what is wrong with a verify file of an account of
// this kind.
func (e kindEntry) checkVerifyFile(f VerifyFile) error {
	switch {
	case e.verifyName == nil:
		return fmt.Errorf("verify_file: WeChat checks no domain for a %s this way", e.kind)
	case !e.verifyName.MatchString(f.Name) || !verifyContent.MatchString(f.Content):
		return fmt.Errorf("verify_file must look like %s", e.verifyForm)
	}
	return nil
}

// warnOfVerifyFile warns if a verify file does not contain what WeChat expects:
// a file of an official account contains the end of its own name.
func (e kindEntry) warnOfVerifyFile(f VerifyFile, account string, logger *slog.Logger) {
	name := strings.TrimSuffix(f.Name, ".txt")
	if want := name[strings.LastIndexByte(name, '_')+1:]; e.kind == wechat.OfficialAccount && f.Content != want {
		logger.Warn("verify_file: the content does not match the file's name; WeChat will refuse the domain unless this is exactly the file that WeChat gave you",
			slog.String("account", account), slog.String("file", f.Name), slog.String("content", f.Content), slog.String("expected", want))
	}
}
