package caddymodule

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
)

var secretForm = regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)

// The errors of an unusable app secret. WeChat would refuse it, or it could not
// be sent at all, and each visitor would get an error page.
var (
	errSecretBOM     = errors.New("the secret begins with a byte order mark (BOM); save its file as UTF-8 without BOM")
	errSecretQuotes  = errors.New("the secret contains quotes; write it without them")
	errSecretBlanks  = errors.New("the secret contains a space or a line break; write the secret alone, on one line")
	errSecretControl = errors.New("the secret contains control characters; save its file as UTF-8 without BOM (not as UTF-16, 'Unicode')")
	errSecretASCII   = errors.New("the secret contains characters that are not ASCII; copy it again, and save its file as UTF-8 without BOM")
)

// checkAppSecret reports what is wrong with an app secret. Its errors never
// contain the value.
func checkAppSecret(value string) error {
	switch {
	case strings.HasPrefix(value, byteOrderMark):
		return errSecretBOM
	case strings.ContainsRune(value, 0):
		return errSecretControl // UTF-16: every other byte is zero
	case strings.ContainsFunc(value, func(r rune) bool { return r > '~' }):
		return errSecretASCII
	case strings.ContainsAny(value, "\"'`"):
		return errSecretQuotes
	case strings.ContainsAny(value, " \t\r\n\v\f"):
		return errSecretBlanks
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }):
		return errSecretControl
	}
	return nil
}

func isSecretForm(value string) bool { return secretForm.MatchString(value) }

// warnOfSecret warns about a secret that is unusual but may be correct.
func (o *Account) warnOfSecret(name, secret string, logger *slog.Logger) {
	account := slog.String("account", name)
	if isLiteral(o.AppSecret) {
		logger.Warn("app_secret is written in the configuration; use {env.…} or {file.…} instead", account)
	}
	if !isSecretForm(secret) {
		logger.Warn("app_secret is not 32 hexadecimal digits, as an AppSecret of WeChat is: was another value copied?", account,
			slog.Int("characters", len(secret)))
	}
}
