package caddymodule

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Push configures the message push (消息推送, 服务器配置) of an account. WeChat's server
// reports when a person withdraws consent, closes the WeChat account or stops
// following, and sends every message written to the account. In WeChat's
// console, enter the URL `https://<site>/_wechat/push/<account>`.
type Push struct {
	// The token (令牌) that signs WeChat's pushes, as in its console: 3 to 32
	// letters and digits. Required. The token in use comes first; a second one
	// is accepted while rotating. Placeholders of the environment and of files
	// are allowed.
	Tokens []string `json:"tokens,omitempty"`

	// The EncodingAESKey, 43 letters and digits, needed for the safe mode
	// (安全模式). If it is set, unencrypted pushes are refused: WeChat does not
	// sign a plain body, so an attacker who reads one query in a log could send
	// any body with it. A second key is accepted while rotating. Placeholders
	// of the environment and of files are allowed. Default: none; plain pushes
	// are accepted.
	AESKeys []string `json:"aes_keys,omitempty"`

	// The address of a server that gets every push that the gateway does not
	// handle, byte for byte, and whose answer WeChat gets: a bot, or the app
	// that had WeChat's server URL before. Placeholders of the environment and
	// of files are allowed. Default: none; WeChat is answered `success`.
	Relay string `json:"relay,omitempty"`

	// Whether the relay also gets the pushes that the gateway handles. It needs a
	// relay. Default: false; in a Caddyfile, the word alone means true.
	RelayAll bool `json:"relay_all,omitempty"`

	// What happens when a person unfollows the account (unsubscribe): `keep`
	// changes nothing, `forget` removes nickname and avatar and ends the
	// person's sessions. Default: `keep`.
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

// provisionedPush is a Push, checked and ready.
type provisionedPush struct {
	tokens, aesKeys []wechat.Secret
	relay           *url.URL
	relayAll        bool
	forget          bool
}

// maxPushKeys allows one key in use and one while rotating.
const maxPushKeys = 2

var (
	pushToken  = regexp.MustCompile(`^[A-Za-z0-9]{3,32}$`)
	pushAESKey = regexp.MustCompile(`^[A-Za-z0-9+/]{43}$`)
)

func (p *Push) provision(name string, logger *slog.Logger) (*provisionedPush, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // no push is no error
	}
	tokens, err := p.secrets("push_token", p.Tokens, checkPushToken, name, logger)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, errors.New("push needs push_token: unsigned pushes are ignored")
	}
	keys, err := p.secrets("push_aes_key", p.AESKeys, checkPushAESKey, name, logger)
	if err != nil {
		return nil, err
	}
	unsubscribe, err := choose("push_unsubscribe", p.Unsubscribe)
	if err != nil {
		return nil, err
	}
	relay, err := expand("push_relay", p.Relay)
	if err != nil {
		return nil, err
	}
	q := &provisionedPush{tokens: tokens, aesKeys: keys, relayAll: p.RelayAll, forget: unsubscribe == "forget"}
	if relay == "" {
		if p.RelayAll {
			return nil, errors.New("push_relay_all needs push_relay")
		}
		return q, nil
	}
	if err := checkTargetURL(relay); err != nil {
		return nil, fmt.Errorf("push_relay: %w", err)
	}
	q.relay, err = url.Parse(relay)
	return q, err
}

// secrets expands a list of secrets. Its errors never contain a secret.
func (p *Push) secrets(word string, values []string, check func(string) error, name string, logger *slog.Logger) ([]wechat.Secret, error) {
	if len(values) > maxPushKeys {
		return nil, fmt.Errorf("%s: at most two, the one in use and one while rotating", word)
	}
	var secrets []wechat.Secret
	for _, value := range values {
		expanded, err := expand(word, value)
		if err != nil {
			return nil, err
		}
		if err := check(expanded); err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
		if isLiteral(value) {
			logger.Warn(word+" is written in the configuration; use {env.…} or {file.…} instead", slog.String("account", name))
		}
		secrets = append(secrets, wechat.NewSecret(expanded))
	}
	return secrets, nil
}

// checkPushToken checks a token. Its errors never contain it.
func checkPushToken(value string) error {
	if !pushToken.MatchString(value) {
		return errors.New("it must be as in WeChat's console: 3 to 32 letters and digits")
	}
	return nil
}

// checkPushAESKey checks an AES key. Its errors never contain it.
func checkPushAESKey(value string) error {
	if _, err := base64.StdEncoding.DecodeString(value + "="); err != nil || !pushAESKey.MatchString(value) {
		return errors.New("it must be the EncodingAESKey of WeChat's console: 43 letters and digits")
	}
	return nil
}

// checkTargetURL checks the address of one of the operator's servers.
func checkTargetURL(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !checkPort(u.Port()) || u.User != nil || u.Fragment != "" {
		return errors.New("it must be an address like http://127.0.0.1:8080/weixin, without user and password")
	}
	return nil
}

func checkPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}
