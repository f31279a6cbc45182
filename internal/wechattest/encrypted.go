package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WeChat's signatures are SHA-1
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// signRawData signs rawData. The session_key is used as text and not decoded
// (wechat-protocol D2.1).
func signRawData(rawData, sessionKey string) string {
	sum := sha1.Sum([]byte(rawData + sessionKey)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// encrypt encrypts an object with the session_key of the last wx.login, which
// it returns.
func (s *Server) encrypt(personID, appID string, fields []field) (Encrypted, string, error) {
	s.vault.mu.Lock()
	sessionKey, ok := s.vault.sessionKeys.get(pair{personID, appID}.key())
	s.vault.mu.Unlock()
	if !ok {
		return Encrypted{}, "", fmt.Errorf("%w: %.64q has no session_key: wx.login comes first", ErrUnknown, personID)
	}
	var iv [aes.BlockSize]byte
	_, _ = rand.Read(iv[:]) // never fails
	text := base64.StdEncoding.EncodeToString(iv[:])
	data, err := encryptData(sessionKey, text, style{}.write(fields))
	return Encrypted{EncryptedData: data, IV: text}, sessionKey, err
}

// encryptData is AES-128-CBC with PKCS #7, everything in base64.
func encryptData(sessionKey, iv string, clear []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(sessionKey)
	if err != nil {
		return "", fmt.Errorf("wechattest: session_key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", fmt.Errorf("wechattest: session_key: %w", err)
	}
	vector, err := base64.StdEncoding.DecodeString(iv)
	if err != nil {
		return "", fmt.Errorf("wechattest: iv: %w", err)
	}
	pad := aes.BlockSize - len(clear)%aes.BlockSize
	text := append(bytes.Clone(clear), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), nil
}
