package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/doctor"
	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Examine reads a configuration, in JSON as Caddy loads it, for `wechat
// doctor`. It provisions the wechat app and its sites as Caddy does, and
// nothing else: it opens no store, makes no key, and asks no server. The caller
// calls release when it has finished with the setup.
func Examine(config []byte) (setup *doctor.Setup, release func(), err error) {
	var parts struct {
		Apps    map[string]json.RawMessage `json:"apps"`
		Storage json.RawMessage            `json:"storage"`
	}
	if err := json.Unmarshal(config, &parts); err != nil {
		return nil, nil, errors.New("it is not a configuration in JSON")
	}
	setup = &doctor.Setup{Version: Version(), Caddy: caddyVersion()}
	raw, ok := parts.Apps["wechat"]
	if !ok {
		setup.Problem = errors.New("it has no wechat block: add wechat { official_account { … } } to the global options")
		return setup, func() {}, nil
	}
	// Only the wechat app: other apps open listeners' certificates and
	// authorities when they are provisioned. The log is silent: what it would
	// warn of is a check.
	reduced := &caddy.Config{
		Admin:   &caddy.AdminConfig{Disabled: true},
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}},
		AppsRaw: caddy.ModuleMap{"wechat": raw},
	}
	ctx, err := caddy.ProvisionContext(reduced)
	if err != nil {
		setup.Problem = unwrapped(err)
		return setup, func() {}, nil
	}
	running, err := ctx.App("wechat")
	if err != nil {
		return nil, nil, err
	}
	app, ok := running.(*App)
	if !ok {
		return nil, nil, errors.New("the wechat app is of another type")
	}
	release = func() { _ = app.Cleanup() } // it has opened nothing
	e := examination{Setup: setup, app: app, ctx: ctx, storage: storageFolder(parts.Storage)}
	if err := e.read(parts.Apps["http"]); err != nil {
		setup.Problem = unwrapped(err)
	}
	return setup, release, nil
}

// unwrapped removes what Caddy puts in front of an error of a module: it is
// about the module's name, and not about the option.
func unwrapped(err error) error {
	text := []byte(err.Error())
	for _, prefix := range []string{"loading wechat app module: ", "provision wechat: "} {
		text = bytes.TrimPrefix(text, []byte(prefix))
	}
	return errors.New(string(text))
}

// examination fills in a setup.
type examination struct {
	*doctor.Setup
	app     *App
	ctx     caddy.Context
	storage string // the folder of Caddy's storage; "" if that is no folder
}

// storageFolder reads where Caddy keeps its files. It does not load the module
// of the storage, which may connect to a server.
func storageFolder(config json.RawMessage) string {
	var storage struct {
		Module string `json:"module"`
		Root   string `json:"root"`
	}
	switch {
	case config == nil:
		return caddy.AppDataDir()
	case json.Unmarshal(config, &storage) != nil || storage.Module != "file_system":
		return ""
	case storage.Root == "":
		return caddy.AppDataDir()
	}
	return storage.Root
}

func (e *examination) read(http json.RawMessage) error {
	e.WeChat, e.Fingerprints = e.app.client, e.app.fingerprints()
	e.accounts()
	if err := e.keys(); err != nil {
		return err
	}
	e.store()
	if e.app.callback != nil {
		e.CallbackOrigin = e.app.callback.Origin
	}
	if err := e.sites(http); err != nil {
		return err
	}
	for i := range e.Accounts { // the sites have said so
		e.Accounts[i].Followers = e.app.admitsFollowers(e.Accounts[i].Credentials.AppID)
	}
	return nil
}

// accounts reads the provisioned accounts.
func (e *examination) accounts() {
	for _, a := range e.app.accounts {
		account := doctor.Account{Account: a.Account}
		e.secret(a.Credentials.Secret.Reveal())
		for _, f := range a.files {
			account.VerifyFiles = append(account.VerifyFiles, doctor.VerifyFile{Name: f.Name, Content: f.Content})
		}
		if p := a.push; p != nil {
			account.Push, account.Token, account.RelayAll = true, p.tokens[0], p.relayAll && p.relay != nil
			if len(p.aesKeys) > 0 {
				account.AESKey = p.aesKeys[0]
			}
			for _, s := range append(append([]wechat.Secret(nil), p.tokens...), p.aesKeys...) {
				e.secret(s.Reveal())
			}
		}
		e.Accounts = append(e.Accounts, account)
	}
	for _, entry := range accountKinds {
		for _, account := range *entry.list(e.app) {
			name := account.nameAs(entry.kind)
			e.literal(name+": app_secret", account.AppSecret)
			if account.Push != nil {
				e.literal(name+": push_token", account.Push.Tokens...)
				e.literal(name+": push_aes_key", account.Push.AESKeys...)
			}
		}
	}
	for i, hook := range e.app.Webhooks {
		e.literal("webhook "+e.app.webhooks[i].target.Name+": secret", hook.Secrets...)
	}
	for _, hook := range e.app.webhooks {
		for _, s := range hook.secrets {
			e.secret(s.Reveal())
		}
	}
}

// keys reads the configured session keys.
func (e *examination) keys() error {
	if e.app.Session != nil {
		e.literal("session: key", e.app.Session.Keys...)
	}
	for _, key := range e.app.keys {
		e.secret(key)
	}
	if len(e.app.keys) == 0 {
		return nil
	}
	ring, err := session.NewRing(e.app.keys...)
	if err != nil {
		return fmt.Errorf("session: key: %w", err)
	}
	e.Keys, err = fleetredis.Fingerprints(ring)
	return err
}

// store reads where the gateway keeps its data.
func (e *examination) store() {
	e.Folders = []doctor.Folder{{Path: caddy.AppDataDir()}}
	if e.storage != "" {
		keys := (&certmagic.FileStorage{Path: e.storage}).Filename(keysName)
		e.folder(filepath.Dir(keys), filepath.Base(keys))
	}
	switch s := e.app.store.(type) {
	case *LocalStore:
		e.folder(filepath.Dir(s.path), filepath.Base(s.path))
	case *RedisStore:
		if s.hasLiteral() {
			e.Literals = append(e.Literals, "store redis: password")
		}
		e.secret(s.plan.Password)
		e.secret(s.plan.SentinelPassword)
		e.Redis = &doctor.Redis{Prefix: s.plan.keyPrefix(), Open: func() (redis.UniversalClient, error) { return s.plan.client() }}
	}
}

// folder adds a folder with a file of the gateway's.
func (e *examination) folder(path, file string) {
	for i := range e.Folders {
		if e.Folders[i].Path == path {
			e.Folders[i].Files = append(e.Folders[i].Files, file)
			return
		}
	}
	e.Folders = append(e.Folders, doctor.Folder{Path: path, Files: []string{file}})
}

func (e *examination) secret(value string) {
	if value != "" {
		e.Secrets = append(e.Secrets, value)
	}
}

// literal names an option if one of its values is written in the configuration.
func (e *examination) literal(option string, values ...string) {
	for _, value := range values {
		if isLiteral(value) {
			e.Literals = append(e.Literals, option)
			return
		}
	}
}
