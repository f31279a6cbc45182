package wechattest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrBadText reports an account text that cannot be parsed.
var ErrBadText = errors.New("wechattest: this is no account")

// ParseAccounts reads the accounts of a command line. Each text changes one of
// DefaultAccounts, or adds one:
//
//	kind=website,secret=s3cret,domain=shop.example.com,domain=www.example.com
//
// A text with an app_id changes or adds the account with that app_id; otherwise
// it changes the default account of its kind. The default kind is
// official_account. Fields without a value stay as they are; a new account
// starts as a copy of the default one of its kind. Errors: ErrBadText,
// ErrBadAccount, without the secret.
func ParseAccounts(texts []string) ([]Account, error) {
	all := DefaultAccounts()
	for _, text := range texts {
		values, err := accountValues(text)
		if err != nil {
			return nil, err
		}
		a, at, err := chosen(all, values)
		if err != nil {
			return nil, err
		}
		a.change(values)
		if err := a.check(); err != nil {
			return nil, err
		}
		if at < 0 {
			all = append(all, a)
		} else {
			all[at] = a
		}
	}
	return all, nil
}

// chosen returns the account that a text changes and its index, or a new
// account and -1.
func chosen(all []Account, values map[string][]string) (Account, int, error) {
	at := -1
	if id := values["app_id"]; id != nil {
		at = slices.IndexFunc(all, func(a Account) bool { return a.AppID == id[0] })
	}
	name := "official_account"
	switch {
	case values["kind"] != nil:
		name = values["kind"][0]
	case at >= 0:
		name = all[at].Kind.word()
	}
	// The first four are the default ones, one of each kind.
	model := slices.IndexFunc(all, func(a Account) bool { return a.Kind.word() == name })
	switch {
	case model < 0:
		return Account{}, 0, fmt.Errorf("%w: kind is official_account, mini_program, mobile_app or website", ErrBadText)
	case at >= 0 && all[at].Kind != all[model].Kind:
		return Account{}, 0, fmt.Errorf("%w: %s is of another kind", ErrBadText, all[at].AppID)
	case at >= 0:
		return all[at], at, nil
	case values["app_id"] == nil:
		return all[model], model, nil
	}
	fresh := DefaultAccounts()[model]
	fresh.AppID = values["app_id"][0]
	return fresh, -1, nil
}

// change applies the values of a text to an account.
func (a *Account) change(values map[string][]string) {
	for name, field := range map[string]*string{"secret": &a.Secret, "name": &a.Name, "platform": &a.Platform} {
		if v := values[name]; v != nil {
			*field = v[0]
		}
	}
	if domains := values["domain"]; domains != nil {
		a.CallbackDomains = domains
	}
}

// accountValues reads name=value,name=value. Only domain may be repeated.
func accountValues(text string) (map[string][]string, error) {
	values := map[string][]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok || !slices.Contains([]string{"kind", "app_id", "secret", "domain", "name", "platform"}, name):
			return nil, fmt.Errorf("%w: write kind=…, app_id=…, secret=…, domain=…, name=… or platform=…, separated by commas", ErrBadText)
		case values[name] != nil && name != "domain":
			return nil, fmt.Errorf("%w: %s stands there twice", ErrBadText, name)
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}
