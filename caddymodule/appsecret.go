package caddymodule

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
)

var secretForm = regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)

// What an app secret must not have in it. WeChat would refuse the secret, or it
// could not be sent at all, and each visitor would read an error page.
var (
	errSecretBOM     = errors.New("the secret begins with a byte order mark (BOM); save its file as UTF-8 without BOM")
	errSecretQuotes  = errors.New("the secret has quotes in it; write it without them")
	errSecretBlanks  = errors.New("the secret has a blank or a line break in it; write the secret alone, in one line")
	errSecretControl = errors.New("the secret has control characters in it; save its file as UTF-8 without BOM (not as UTF-16, 'Unicode')")
	errSecretASCII   = errors.New("the secret has characters in it that are not ASCII; copy it again, and save its file as UTF-8 without BOM")
)

// checkAppSecret says what is wrong with an app secret, and never its value.
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

// warnOfSecret says what is odd about a secret that may be right all the same.
func (o *Account) warnOfSecret(name, secret string, logger *slog.Logger) {
	account := slog.String("account", name)
	if isLiteral(o.AppSecret) {
		logger.Warn("app_secret stands in the configuration; prefer {env.…} or {file.…}", account)
	}
	if !isSecretForm(secret) {
		logger.Warn("app_secret is not 32 hexadecimal digits, as WeChat's secrets (AppSecret) are: was another value copied?", account,
			slog.Int("characters", len(secret)))
	}
}
