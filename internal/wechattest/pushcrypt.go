package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WeChat's signatures are SHA-1
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// pushBlock is the block size of the padding, which is not that of AES (WeChat:
// 消息加解密说明).
const pushBlock = 32

var errEnvelope = errors.New("wechattest: the envelope cannot be opened")

// signPush signs a push: three parts (token, timestamp, nonce), or four with
// the encrypted text.
func signPush(parts ...string) string {
	sorted := slices.Sorted(slices.Values(parts))
	sum := sha1.Sum([]byte(strings.Join(sorted, ""))) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

func pushCipher(aesKey string) (cipher.Block, []byte, error) {
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(key) != 32 {
		return nil, nil, errEnvelope
	}
	block, err := aes.NewCipher(key)
	return block, key[:aes.BlockSize], err
}

// SealPush puts a message into the envelope of safe mode and returns the text
// of Encrypt: 16 random bytes, the length, the message and the app id,
// encrypted.
func SealPush(aesKey, appID string, message []byte) (string, error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return sealPushWith([]byte(hex.EncodeToString(random[:8])), aesKey, appID, message)
}

func sealPushWith(random []byte, aesKey, appID string, message []byte) (string, error) {
	block, iv, err := pushCipher(aesKey)
	if err != nil {
		return "", err
	}
	text := binary.BigEndian.AppendUint32(slices.Clone(random), uint32(len(message)))
	text = append(append(text, message...), appID...)
	pad := pushBlock - len(text)%pushBlock
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), nil
}

// openPush opens what a server answered in safe mode. The app id must be appID.
func openPush(aesKey, appID, encrypted string) ([]byte, error) {
	block, iv, err := pushCipher(aesKey)
	if err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(text) < pushBlock || len(text)%aes.BlockSize != 0 {
		return nil, errEnvelope
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > pushBlock || len(text)-pad < 20 {
		return nil, errEnvelope
	}
	for _, c := range text[len(text)-pad:] {
		if int(c) != pad {
			return nil, errEnvelope
		}
	}
	text = text[16 : len(text)-pad]
	length, text := int(binary.BigEndian.Uint32(text)), text[4:]
	if length > len(text) || string(text[length:]) != appID {
		return nil, errEnvelope
	}
	return text[:length], nil
}
