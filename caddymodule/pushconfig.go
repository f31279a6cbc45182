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

// Push is what WeChat's server tells an account (消息推送, 服务器配置): that a person
// withdrew what they granted, closed their account or stopped following, and
// every message that is written to the account. WeChat wants the address
// `https://<site>/_wechat/push/<account>`.
type Push struct {
	// The token that signs what WeChat sends, as in its console: 3 to 32 letters
	// and digits. Required. The one in use first; a second one is accepted too,
	// while rotating. Placeholders of the environment and of files are allowed.
	Tokens []string `json:"tokens,omitempty"`

	// The EncodingAESKey, 43 letters and digits, needed for the safe mode
	// (安全模式). Once it is set, what is not encrypted is refused: WeChat signs no
	// body in clear, so one logged query would let anybody say anything. As with
	// tokens, a second one is accepted while rotating.
	AESKeys []string `json:"aes_keys,omitempty"`

	// Where everything goes that is not ours to handle, byte for byte, and whose
	// answer WeChat gets: a bot, the app that had WeChat's server URL before.
	// Default: nowhere; WeChat is told `success`.
	Relay string `json:"relay,omitempty"`

	// Whether the relay gets what we handle ourselves, too. Default: false.
	RelayAll bool `json:"relay_all,omitempty"`

	// What an unfollow (unsubscribe) means: `keep` nothing, `forget` that the
	// profile is forgotten and the sessions end. Default: `keep`.
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

// provisionedPush is a Push, checked and ready.
type provisionedPush struct {
	tokens, aesKeys []wechat.Secret
	relay           *url.URL
	relayAll        bool
	forget          bool
}

// maxPushKeys is one in use and one to come or to go.
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
		return nil, errors.New("push needs push_token: nothing that is not signed has any effect")
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

// secrets expands a list of secrets; the errors never repeat one.
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
			logger.Warn(word+" stands in the configuration; prefer {env.…} or {file.…}", slog.String("account", name))
		}
		secrets = append(secrets, wechat.NewSecret(expanded))
	}
	return secrets, nil
}

// checkPushToken never says the token.
func checkPushToken(value string) error {
	if !pushToken.MatchString(value) {
		return errors.New("it must be as in WeChat's console: 3 to 32 letters and digits")
	}
	return nil
}

// checkPushAESKey never says the key.
func checkPushAESKey(value string) error {
	if _, err := base64.StdEncoding.DecodeString(value + "="); err != nil || !pushAESKey.MatchString(value) {
		return errors.New("it must be the EncodingAESKey of WeChat's console: 43 letters and digits")
	}
	return nil
}

// checkTargetURL checks the address of a server of the operator's.
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
