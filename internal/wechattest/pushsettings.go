package wechattest

import (
	"errors"
	"fmt"
	"net/url"
)

// Errors of pushes.
var (
	// ErrNoPush reports an account without a push address.
	ErrNoPush = errors.New("wechattest: the account has no push address")
	// ErrBadPush reports an invalid push.
	ErrBadPush = errors.New("wechattest: push is not valid")
)

// PushMode says how pushes are encrypted (消息加解密方式).
type PushMode string

// The modes. The zero value is plain.
const (
	PushPlain  PushMode = ""       // 明文模式
	PushCompat PushMode = "compat" // 兼容模式: plain and encrypted in one body
	PushSafe   PushMode = "safe"   // 安全模式
)

// PushFormat says how pushes are written (数据格式).
type PushFormat string

// The formats. The zero value is XML.
const (
	PushXML  PushFormat = ""
	PushJSON PushFormat = "json"
)

// aesKeyLength is the length of an EncodingAESKey: 32 bytes in base64, without
// "=".
const aesKeyLength = 43

// PushSettings are an account's 服务器配置. The zero value is none.
//
// The URL may have any host, but an attempt fails with ErrNotLoopback unless
// its address is loopback.
type PushSettings struct {
	URL    string // http or https, ≤ 2048 bytes; it may have a query
	Token  string // 3 to 32 of [0-9A-Za-z]
	AESKey string // 43 of [0-9A-Za-z] (EncodingAESKey); PushPlain needs none
	Mode   PushMode
	Format PushFormat
}

// check returns an error for settings that WeChat's console refuses.
func (p PushSettings) check() error {
	if p == (PushSettings{}) {
		return nil
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(p.URL) > maxURL:
		return fmt.Errorf("%w: the push address is not http://host/…", ErrBadAccount)
	case len(p.Token) < 3 || len(p.Token) > 32 || !only(p.Token, isAlnum):
		return fmt.Errorf("%w: a push token is 3 to 32 of 0-9A-Za-z", ErrBadAccount)
	case p.Mode != PushPlain && p.Mode != PushCompat && p.Mode != PushSafe:
		return fmt.Errorf("%w: push mode %.20q", ErrBadAccount, p.Mode)
	case p.Format != PushXML && p.Format != PushJSON:
		return fmt.Errorf("%w: push format %.20q", ErrBadAccount, p.Format)
	case p.AESKey == "" && p.Mode == PushPlain:
		return nil
	case len(p.AESKey) != aesKeyLength || !only(p.AESKey, isAlnum):
		return fmt.Errorf("%w: an EncodingAESKey is %d of 0-9A-Za-z", ErrBadAccount, aesKeyLength)
	}
	return nil
}

// SetPush changes an account's push settings. Quirks.PushOldToken uses the
// previous token and key. Errors: ErrUnknown, ErrBadAccount.
func (s *Server) SetPush(appID string, p PushSettings) error {
	a, ok := s.roster.account(appID)
	if !ok {
		return fmt.Errorf("%w: account %.64q", ErrUnknown, appID)
	}
	a.Push = p
	return s.AddAccount(a)
}

// oldPush returns the push settings before the last change of token or key.
func (r *roster) oldPush(appID string) (PushSettings, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	old, ok := r.oldPushes[appID]
	return old, ok
}

// rotate remembers the settings that are replaced. The caller holds the lock.
func (r *roster) rotate(old, fresh Account) {
	if old.Push.Token != "" && (old.Push.Token != fresh.Push.Token || old.Push.AESKey != fresh.Push.AESKey) {
		r.oldPushes[old.AppID] = old.Push
	}
}
