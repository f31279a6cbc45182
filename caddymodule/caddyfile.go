package caddymodule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("wechat", parseGlobalOption)
}

// looksLikeWord matches unknown options that an error may repeat.
var looksLikeWord = regexp.MustCompile(`^[A-Za-z_-]{1,40}$`)

// words is a table of subdirectives.
type words map[string]func(*caddyfile.Dispenser) error

// parse reads a block by the table. An unknown word is an error, because an
// option that is silently ignored is worse than a missing one.
func (t words) parse(d *caddyfile.Dispenser, block string) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, ok := t[d.Val()]
		if !ok {
			name := d.Val()
			if !looksLikeWord.MatchString(name) {
				name = "…" // the second line of a secret, perhaps
			}
			if place := placeOf(name); place != "" {
				return d.Errf("%s is an option of %s", name, place)
			}
			return d.Errf("unrecognized %s option '%s'; the options are %v", block, name, slices.Sorted(maps.Keys(t)))
		}
		if err := word(d); err != nil {
			return err
		}
	}
	return nil
}

// text returns the parser of a word that may be given once and has exactly one
// argument.
func text(into *string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		if *into != "" {
			return d.Errf("%s is given twice", word)
		}
		if !d.Args(into) {
			return d.Errf("%s needs a value (if one is written there: is the variable set?)", word)
		}
		if *into == "" {
			return d.Errf("%s is empty; is the variable set?", word)
		}
		return noMore(d, word)
	}
}

// duration returns the parser of a word with one duration.
func duration(into *caddy.Duration) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		word := d.Val()
		if *into != 0 {
			return d.Errf("%s is given twice", word)
		}
		if !d.NextArg() {
			return d.Errf("%s needs a duration, such as 7d", word)
		}
		parsed, err := caddy.ParseDuration(d.Val())
		if err != nil || parsed <= 0 {
			return d.Errf("%s: '%s' is not a duration, such as 7d, 12h or 5m", word, d.Val())
		}
		*into = caddy.Duration(parsed)
		return noMore(d, word)
	}
}

func noMore(d *caddyfile.Dispenser, word string) error {
	switch {
	case !d.NextArg():
		return nil
	case holdsSecret[word]: // the extra value may be part of the secret
		return d.Errf("%s has one value too many (is there a blank in it?)", word)
	default:
		return d.Errf("%s has one value too many: '%s'", word, d.Val())
	}
}

// holdsSecret lists the words whose values must not appear in errors.
var holdsSecret = map[string]bool{
	"app_secret": true, "push_token": true, "push_aes_key": true, "secret": true, "key": true, "password": true, "sentinel_password": true,
}

// parseGlobalOption parses the wechat block of the global options.
func parseGlobalOption(d *caddyfile.Dispenser, previous any) (any, error) {
	if previous != nil {
		d.Next() // the error names this line
		return nil, d.Err("the wechat block is given twice; put all accounts into one")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "wechat", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile sets up the app from Caddyfile tokens. Syntax:
//
//	wechat {
//		official_account [<name>] {
//			app_id           <app id>
//			app_secret       <secret>
//			verify_file      <name> <content>
//			push_token       <token>
//			push_aes_key     <key>
//			push_relay       <address>
//			push_relay_all
//			push_unsubscribe keep|forget
//			follower_unionid on|off
//			qr               <file>
//		}
//		mini_program|mobile_app|website [<name>] {
//			… as an official_account
//		}
//		store local [<folder>]
//		store redis <address> { … }
//		session {
//			idle     <duration>
//			lifetime <duration>
//			key      <secret>
//		}
//		webhook <address> {
//			name   <name>
//			secret <secret>
//			events <event>...
//		}
//		profile_max_age <duration>
//		callback_origin <origin>
//		deny            <openid|unionid|person>...
//		brand { … }
//		open_url        <address>
//		api_url         <address>
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the option's name
	if d.NextArg() {
		return d.Errf("wechat takes a block only, not '%s'", d.Val())
	}
	line := d.Token()
	if err := a.words().parse(d, "wechat"); err != nil {
		return err
	}
	if len(a.OfficialAccounts) == 0 {
		return at(line, "the wechat block needs an account: official_account { app_id … app_secret … }")
	}
	return nil
}

// words is the table of the global options.
func (a *App) words() words {
	table := words{
		"store":           a.parseStore,
		"session":         a.parseSession,
		"webhook":         a.parseWebhook,
		"profile_max_age": duration(&a.ProfileMaxAge),
		"callback_origin": checked(&a.CallbackOrigin, checkOrigin),
		"deny":            a.parseDeny,
		"brand":           parseBrand(&a.Brand),
		"open_url":        checked(&a.OpenURL, checkHost),
		"api_url":         checked(&a.APIURL, checkHost),
	}
	for _, e := range accountKinds {
		table[string(e.kind)] = a.parseAccount(e)
	}
	return table
}

func (a *App) parseStore(d *caddyfile.Dispenser) error {
	if a.StoreRaw != nil {
		return d.Err("store is given twice")
	}
	if !d.NextArg() {
		return d.Err("store needs a kind: store local [<folder>], or store redis <address>")
	}
	name := d.Val()
	if _, err := caddy.GetModule("wechat.stores." + name); err != nil {
		return d.Errf("unrecognized store '%s'; there are: local, redis", name)
	}
	module, err := caddyfile.UnmarshalModule(d, "wechat.stores."+name)
	if err != nil {
		return err
	}
	a.StoreRaw = caddyconfig.JSONModuleObject(module, "store", name, nil)
	return nil
}

func (a *App) parseSession(d *caddyfile.Dispenser) error {
	if a.Session != nil {
		return d.Err("session is given twice")
	}
	if d.NextArg() {
		return d.Errf("session takes a block only, not '%s'", d.Val())
	}
	s, line := new(Session), d.Token()
	a.Session = s
	if err := (words{
		"idle":     duration(&s.Idle),
		"lifetime": duration(&s.Lifetime),
		"key": func(d *caddyfile.Dispenser) error {
			var key string
			if err := checked(&key, checkKey)(d); err != nil {
				return err
			}
			s.Keys = append(s.Keys, key)
			return nil
		},
	}).parse(d, "session"); err != nil {
		return err
	}
	if _, err := s.policy(); err != nil {
		return at(line, err.Error())
	}
	return nil
}

// at returns an error with the file and line of an earlier token.
func at(t caddyfile.Token, message string) error {
	return fmt.Errorf("%s:%d: %s", t.File, t.Line, message)
}

var _ caddyfile.Unmarshaler = (*App)(nil)
