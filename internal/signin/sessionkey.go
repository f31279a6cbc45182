package signin

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// purposeSessionKey has keys of its own, so that a sealed session_key opens as
// nothing else.
const purposeSessionKey = "session_key"

// sealSessionKey seals the session_key of a wx.login for the ledger: it never
// leaves the gateway, and what is kept is of use to nobody without the keys (attack:
// a stolen ledger file). Bound to the app id and the openid: put at somebody else's
// account it opens nothing. Where there is none the one of before is forgotten;
// WeChat has replaced it.
func (y Exchanger) sealSessionKey(a wechat.Account, s wechat.MiniSession) []byte {
	if s.SessionKey.IsZero() {
		return []byte{}
	}
	sealed, err := y.Keys.Seal(purposeSessionKey, boundSessionKey(a.Credentials.AppID, s.OpenID), []byte(s.SessionKey.Reveal()))
	if err != nil {
		// Who it is does not depend on it: the client is asked to sign in again
		// when it wants something opened.
		y.Log.Note(slog.LevelError, "session_key not kept", a.Name, "", err)
		return []byte{}
	}
	return []byte(sealed)
}

// OpenSessionKey returns the session_key of the client's last wx.login, empty if
// there is none.
func OpenSessionKey(keys *session.Ring, p *ledger.Person, s *session.Session) (wechat.Secret, error) {
	for _, a := range p.Accounts {
		if a.AppID != s.AppID || a.OpenID != s.OpenID || len(a.SessionKey) == 0 {
			continue
		}
		plain, err := keys.Open(purposeSessionKey, boundSessionKey(a.AppID, a.OpenID), string(a.SessionKey))
		switch {
		case errors.Is(err, session.ErrNoKey):
			return wechat.Secret{}, fmt.Errorf("signin: open session_key: %w", errors.Join(session.ErrUnavailable, err)) // our fault, and not for good
		case err == nil:
			return wechat.NewSecret(string(plain)), nil
		}
	}
	return wechat.Secret{}, nil // none, or sealed by a key that is gone
}

// boundSessionKey is what a session_key is sealed for. No id has a |.
func boundSessionKey(appID, openID string) string { return appID + "|" + openID }
