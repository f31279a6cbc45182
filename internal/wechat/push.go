package wechat

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// Why a push is refused. Only ErrPushFormat is about a push that WeChat signed
// for this account; after every other error the push must have no effect.
var (
	// ErrPushSignature: the sender does not know a token.
	ErrPushSignature = errors.New("the push is not signed by WeChat")
	// errPushPlain: the push is not encrypted, but there is an AES key. The
	// signature of plain mode does not cover the body.
	errPushPlain = errors.New("the push is not encrypted, though push_aes_key is set")
	// errPushSealed: the push is encrypted, but there is no AES key.
	errPushSealed = errors.New("the push is encrypted, and push_aes_key is not set")
	// errPushEnvelope: the push is signed, but no AES key opens it.
	errPushEnvelope = errors.New("the push cannot be opened with push_aes_key")
	// errPushAppID: the push is signed, but for another app id.
	errPushAppID = errors.New("the push is for another app id")
	// ErrPushFormat: the push is signed for this account, but is neither XML
	// nor JSON as WeChat writes it.
	ErrPushFormat = errors.New("the push cannot be read")
	// errPushKeys: a key cannot open any push.
	errPushKeys = errors.New("unusable keys for pushes")
)

// PushKeys are the secrets for the pushes of one account, known only to WeChat
// and the operator (WeChat's console: 服务器配置). While a key is replaced, both are
// in the list; the order does not matter. It is safe for concurrent use.
type PushKeys struct {
	// Tokens check signatures. At least one is required; an empty token matches
	// no signature.
	Tokens []Secret
	// AESKeys are EncodingAESKeys, 43 characters each. With a key, a push must
	// be encrypted (compatible or safe mode); without one, plain and compatible
	// mode are read.
	AESKeys []Secret
	// AppID is the account's app id. A push for another app id is refused.
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

// CheckQuery checks the signature of the query before the body is read. It
// returns ErrPushSignature if the query cannot be WeChat's. nil does not prove
// the body; in plain mode it proves only that the sender has seen a signature
// once.
func (k *PushKeys) CheckQuery(q PushQuery) error {
	// In safe mode msg_signature proves the push, and WeChat documents the
	// other signature only for the other modes; if it is present, it must be
	// correct.
	if q.Signature == "" && q.MsgSignature != "" && len(k.AESKeys) > 0 {
		return nil
	}
	return k.signed(q.Signature, q.Timestamp, q.Nonce)
}

// Open checks a push and returns its message. In compatible mode only the
// encrypted part of the body counts, because no signature covers the plain
// part. Errors: ErrPushSignature, ErrPushFormat, and errors for the log.
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
		return PushMessage{}, ErrPushSignature // there is no envelope, so no signature can cover the body
	case m.encrypt == "":
		return PushMessage{}, errPushPlain // attack: downgrade with a signature out of a log and any body
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

// ours refuses a message about an account with another app id.
func (k *PushKeys) ours(m PushMessage, err error) (PushMessage, error) {
	if err == nil && m.AboutAccount() && m.AppID != "" && m.AppID != k.AppID {
		return PushMessage{}, errPushAppID
	}
	return m, err
}

// signed checks whether signature is a token's signature of the parts. It tries
// all tokens, each in constant time (attack: guessing a signature byte by
// byte).
func (k *PushKeys) signed(signature string, parts ...string) error {
	right := 0
	for _, token := range k.Tokens {
		if !token.IsZero() { // with an empty token any client could sign
			right |= subtle.ConstantTimeCompare([]byte(signature), []byte(PushSignature(token, parts...)))
		}
	}
	if right != 1 {
		return ErrPushSignature
	}
	return nil
}
