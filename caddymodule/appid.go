package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// appIDExample shows the form of an app id in errors.
const appIDExample = "wx1234567890abcdef"

var (
	appIDForm      = regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	originalIDForm = regexp.MustCompile(`^(?i:gh_)[A-Za-z0-9_-]{1,62}$`)
	corpIDForm     = regexp.MustCompile(`^w[wp][A-Za-z0-9]{8,62}$`)

	// nearlyAppID matches values that an error may repeat. Other values are not
	// repeated: they may be the app secret in the wrong place.
	nearlyAppID = regexp.MustCompile(`^(?i:wx)[ -~]{0,30}$`)
)

const appIDMust = `must be "wx" and 16 lower-case hexadecimal digits, such as ` + appIDExample

// checkAppID reports what is wrong with an app id, and what to write instead.
// App ids have the same form for all kinds of accounts.
func checkAppID(value string) error {
	switch lower := strings.ToLower(value); {
	case appIDForm.MatchString(value):
		return nil
	case originalIDForm.MatchString(value):
		return fmt.Errorf("'%s' is the account's 原始ID (original id). Write its app id (AppID, 开发者ID), which begins with wx, such as %s", value, appIDExample)
	case corpIDForm.MatchString(value):
		return fmt.Errorf("'%s' is the id of a WeCom company (企业ID). Write the app id (AppID) of the account, which begins with wx, such as %s", value, appIDExample)
	case appIDForm.MatchString(lower):
		return fmt.Errorf("'%s' has upper-case letters. App ids are lower-case: write %s", value, lower)
	case isSecretForm(value):
		return errors.New("this looks like the app secret, which belongs in app_secret; the app id " + appIDMust)
	case nearlyAppID.MatchString(value):
		return fmt.Errorf("'%s' is not an app id: it %s", value, appIDMust)
	default:
		return errors.New("it " + appIDMust)
	}
}
