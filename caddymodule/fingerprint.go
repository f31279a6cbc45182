package caddymodule

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
)

// fingerprints returns a fingerprint of the secrets of each account and each
// webhook, and of the configured session keys, by what they belong to. Two
// configurations with the same fingerprint have the same secrets: so `wechat
// doctor` finds that a server still runs with the secret of before, because its
// file was changed and the reload was not forced.
//
// The HMAC's key is a secret that is too long to be guessed: an AppSecret, the
// secret of a webhook, a session key. A short push token is only part of the
// message (attack: guess a token by its fingerprint).
func (a *App) fingerprints() map[string]string {
	all := make(map[string]string)
	for _, account := range a.accounts {
		var push []string
		if account.push != nil {
			for _, s := range account.push.tokens {
				push = append(push, s.Reveal())
			}
			for _, s := range account.push.aesKeys {
				push = append(push, s.Reveal())
			}
		}
		all["account "+account.Name] = fingerprint(account.Credentials.Secret.Reveal(), push...)
	}
	for _, hook := range a.webhooks {
		var more []string
		for _, s := range hook.secrets[1:] {
			more = append(more, s.Reveal())
		}
		all["webhook "+hook.target.Name] = fingerprint(hook.secrets[0].Reveal(), more...)
	}
	if len(a.keys) > 0 {
		all["session"] = fingerprint(a.keys[0], a.keys[1:]...)
	}
	return all
}

// fingerprint returns 8 bytes, in hexadecimal digits, that say nothing about
// the secrets.
func fingerprint(key string, more ...string) string {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(mac, "wechat doctor: secrets in use\x00"+strings.Join(more, "\x00")) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
