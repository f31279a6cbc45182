package wechat

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// Why a push is not believed. Only ErrPushFormat is about a push that WeChat
// signed and that is ours; after every other one nothing may happen.
var (
	// ErrPushSignature: nobody who knows a token sent this.
	ErrPushSignature = errors.New("the push is not signed by WeChat")
	// errPushPlain: clear text, though there is an AES key. The signature of
	// plain mode does not cover the body.
	errPushPlain = errors.New("the push is not encrypted, though push_aes_key is set")
	// errPushSealed: encrypted, and there is no AES key to read it with.
	errPushSealed = errors.New("the push is encrypted, and push_aes_key is not set")
	// errPushEnvelope: signed, but no AES key of ours opens it.
	errPushEnvelope = errors.New("the push cannot be opened with push_aes_key")
	// errPushAppID: signed, and meant for another app id.
	errPushAppID = errors.New("the push is for another app id")
	// ErrPushFormat: signed and ours, but neither XML nor JSON as WeChat writes it.
	ErrPushFormat = errors.New("the push cannot be read")
	// errPushKeys: a key with which no push can be opened.
	errPushKeys = errors.New("unusable keys for pushes")
)

// PushKeys are what is known to WeChat and us alone about the pushes of one
// account (WeChat's console: 服务器配置). While one is replaced both stand in
// the list; the order does not matter. Safe for concurrent use.
type PushKeys struct {
	// Tokens sign. At least one; an empty one signs nothing.
	Tokens []Secret
	// AESKeys are EncodingAESKeys, 43 characters each. With any, a push must be
	// encrypted (compatible or safe mode); without, plain and compatible mode
	// are read.
	AESKeys []Secret
	// AppID is the account's own. A push for another one is not believed.
	AppID string
}

// aesKeyLength is the length of an EncodingAESKey.
const aesKeyLength = 43

// decodeAESKey returns the 32 bytes of an EncodingAESKey: base64 without its
// "=". WeChat's keys are random text, so the last two bits may be anything.
func decodeAESKey(key Secret) ([]byte, error) {
	text := key.Reveal()
	raw, err := base64.StdEncoding.DecodeString(text + "=")
	if len(text) != aesKeyLength || err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("%w: an EncodingAESKey has 43 letters and digits", errPushKeys)
	}
	return raw, nil
}

// CheckQuery reports whether the query can belong to a push of WeChat's, before
// anything of the body is read: ErrPushSignature if not. nil proves a body only
// in plain mode, and there only that whoever sent it saw a signature once.
func (k *PushKeys) CheckQuery(q PushQuery) error {
	// Pushes in safe mode are proved by msg_signature, and WeChat promises
	// the other one for the rest only; where it is given it must be right.
	if q.Signature == "" && q.MsgSignature != "" && len(k.AESKeys) > 0 {
		return nil
	}
	return k.signed(q.Signature, q.Timestamp, q.Nonce)
}

// Open checks a push and returns what it says. Of a body in compatible mode only
// the encrypted half counts: nothing covers the clear one. Errors: ErrPushSignature,
// ErrPushFormat, and those that only a log tells apart.
func (k *PushKeys) Open(q PushQuery, body []byte) (PushMessage, error) {
	if err := k.CheckQuery(q); err != nil {
		return PushMessage{}, err
	}
	m, err := parsePush(body)
	if len(k.AESKeys) == 0 {
		if err == nil && m.encrypt != "" && m.MsgType == "" && m.Event == "" {
			return PushMessage{}, errPushSealed
		}
		return k.ours(m, err)
	}
	switch {
	case err != nil:
		return PushMessage{}, ErrPushSignature // no envelope: nothing that could be signed
	case m.encrypt == "":
		return PushMessage{}, errPushPlain // downgrade: a signature out of a log, and any body
	}
	if err := k.signed(q.MsgSignature, q.Timestamp, q.Nonce, m.encrypt); err != nil {
		return PushMessage{}, err
	}
	clear, err := k.openEnvelope(m.encrypt)
	if err != nil {
		return PushMessage{}, err
	}
	return k.ours(parsePush(clear))
}

// ours refuses what tells of an account of another app id.
func (k *PushKeys) ours(m PushMessage, err error) (PushMessage, error) {
	if err == nil && m.AboutAccount() && m.AppID != "" && m.AppID != k.AppID {
		return PushMessage{}, errPushAppID
	}
	return m, err
}

// signed reports whether one of the tokens signs the parts like this. All are
// tried, each in constant time (attack: guessing a signature byte by byte).
func (k *PushKeys) signed(signature string, parts ...string) error {
	right := 0
	for _, token := range k.Tokens {
		if !token.IsZero() { // an empty token would make everybody WeChat
			right |= subtle.ConstantTimeCompare([]byte(signature), []byte(PushSignature(token, parts...)))
		}
	}
	if right != 1 {
		return ErrPushSignature
	}
	return nil
}
