package webhook

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// version is the version of the body. It grows when something that receivers
// may rely on is removed or changes its meaning. New fields and new types do
// not change it.
const version = 1

// message is the body, described by docs/webhook.schema.json. Empty fields are
// left out.
type message struct {
	Type      ledger.EventKind `json:"type"`
	Version   int              `json:"version"`
	ID        string           `json:"id"`
	Timestamp time.Time        `json:"timestamp"`
	Data      data             `json:"data"`
}

type data struct {
	User       string   `json:"user,omitempty"`
	FormerUser string   `json:"former_user,omitempty"`
	Aliases    []string `json:"aliases,omitempty"`
	Account    string   `json:"account,omitempty"`
	AppID      string   `json:"app_id,omitempty"`
	OpenID     string   `json:"openid,omitempty"`
	UnionID    string   `json:"unionid,omitempty"`
	Scope      string   `json:"scope,omitempty"`
	Reason     string   `json:"reason,omitempty"`

	Accounts []accountData `json:"accounts,omitempty"`
}

// accountData is an openid of an erased person.
type accountData struct {
	Account string `json:"account,omitempty"`
	AppID   string `json:"app_id"`
	OpenID  string `json:"openid"`
}

// Body encodes an event as it is sent. The bytes are the same in every attempt,
// as long as the accounts keep their names.
func (s *Sender) Body(e *ledger.Event) ([]byte, error) {
	m := message{Type: e.Kind, Version: version, ID: e.ID, Timestamp: e.At.UTC(), Data: data{
		User: e.Person, FormerUser: e.From, Aliases: e.Aliases, AppID: e.AppID, OpenID: e.OpenID, UnionID: e.UnionID,
		Scope: e.Scope, Reason: e.Reason,
	}}
	m.Data.Account = s.nameOf(e.AppID)
	for _, a := range e.Accounts {
		m.Data.Accounts = append(m.Data.Accounts, accountData{s.nameOf(a.AppID), a.AppID, a.OpenID})
	}
	return m.encode()
}

// nameOf returns the name of the account with an app id, "" if it has none.
func (s *Sender) nameOf(appID string) string {
	if s.Accounts == nil || appID == "" {
		return ""
	}
	return s.Accounts(appID)
}

func (m *message) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // the body is not HTML, and is signed as it is
	if err := encoder.Encode(m); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
