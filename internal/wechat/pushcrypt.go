package wechat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // WeChat's choice
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// The envelope of safe mode: random16 ‖ length, 4 bytes ‖ message ‖ app id,
// padded to 32 bytes as in PKCS#7, AES-256-CBC with the key's own first 16
// bytes as IV (wechat-protocol F3).
const (
	pushRandom = 16
	pushHead   = pushRandom + 4
	pushBlock  = 32
)

// PushSignature signs parts as WeChat does: SHA-1, in hex, over token and
// parts, sorted and joined. Three parts are `signature`, with Encrypt as the
// fourth `msg_signature`.
func PushSignature(token Secret, parts ...string) string {
	all := append([]string{token.Reveal()}, parts...)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, ""))) //nolint:gosec // WeChat's choice
	return hex.EncodeToString(sum[:])
}

// openEnvelope opens an envelope whose msg_signature has been checked, so that
// only WeChat can get its errors (attack: padding oracle).
func (k *PushKeys) openEnvelope(encrypt string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(encrypt)
	if err != nil {
		return nil, errPushEnvelope
	}
	outcome := errPushEnvelope
	for _, key := range k.AESKeys {
		message, appID, err := openPush(key, sealed)
		if err != nil {
			continue
		}
		if subtle.ConstantTimeCompare(appID, []byte(k.AppID)) == 1 {
			return message, nil
		}
		outcome = errPushAppID
	}
	return nil, outcome
}

// openPush opens an envelope with one key.
func openPush(key Secret, sealed []byte) (message, appID []byte, err error) {
	raw, err := decodeAESKey(key)
	if err != nil {
		return nil, nil, err
	}
	// CryptBlocks panics on half a block (attack: a body cut short).
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, nil, errPushEnvelope
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, nil, err
	}
	clear := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, raw[:aes.BlockSize]).CryptBlocks(clear, sealed)
	pad := int(clear[len(clear)-1])
	if pad < 1 || pad > pushBlock || pad+pushHead > len(clear) {
		return nil, nil, errPushEnvelope
	}
	clear, padding := clear[:len(clear)-pad], clear[len(clear)-pad:]
	length := binary.BigEndian.Uint32(clear[pushRandom:pushHead])
	if bytes.Count(padding, padding[:1]) != pad || uint64(length) > uint64(len(clear)-pushHead) {
		return nil, nil, errPushEnvelope
	}
	end := pushHead + int(length)
	return clear[pushHead:end], clear[end:], nil
}
