package signin

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// purposeSessionKey has its own keys, so that a sealed session_key cannot be
// opened as anything else.
const purposeSessionKey = "session_key"

// sealSessionKey seals the session_key of a wx.login for the ledger: it never
// leaves the gateway, and the stored value is useless without the keys (attack:
// a stolen ledger file). It is bound to the app id and the openid, so that it
// does not open if moved to another account. Without a new session_key the old
// one is forgotten, because WeChat has replaced it.
func (y Exchanger) sealSessionKey(a wechat.Account, s wechat.MiniSession) []byte {
	if s.SessionKey.IsZero() {
		return []byte{}
	}
	sealed, err := y.Keys.Seal(purposeSessionKey, boundSessionKey(a.Credentials.AppID, s.OpenID), []byte(s.SessionKey.Reveal()))
	if err != nil {
		// The identity does not depend on it: the client is asked to sign in
		// again when it sends data to decrypt.
		y.Log.Note(slog.LevelError, "could not seal the session_key", a.Name, y.Flow, err)
		return []byte{}
	}
	return []byte(sealed)
}

// OpenSessionKey returns the session_key of the client's last wx.login, or an
// empty one.
func OpenSessionKey(keys *session.Ring, p *ledger.Person, s *session.Session) (wechat.Secret, error) {
	for _, a := range p.Accounts {
		if a.AppID != s.AppID || a.OpenID != s.OpenID || len(a.SessionKey) == 0 {
			continue
		}
		plain, err := keys.Open(purposeSessionKey, boundSessionKey(a.AppID, a.OpenID), string(a.SessionKey))
		switch {
		case errors.Is(err, session.ErrNoKey):
			return wechat.Secret{}, fmt.Errorf("signin: open session_key: %w", errors.Join(session.ErrUnavailable, err)) // a failure on our side that may pass
		case err == nil:
			return wechat.NewSecret(string(plain)), nil
		}
	}
	return wechat.Secret{}, nil // there is none, or its key was withdrawn
}

// boundSessionKey returns what a session_key is bound to. Ids do not contain |.
func boundSessionKey(appID, openID string) string { return appID + "|" + openID }
