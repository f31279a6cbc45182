package wechat

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // WeChat signs with SHA-1
	"encoding/hex"
	"fmt"
	"io"
)

// maxRawData bounds the rawData of a profile, in bytes. Real values have about
// 300.
const maxRawData = 8 << 10

// errSignature reports rawData that was not signed with this session's key: it
// was changed, or wx.login has been called again since. It wraps ErrRelogin.
var errSignature = fmt.Errorf("the signature does not match the data: %w", ErrRelogin)

// VerifyRawData returns nil if WeChat's client signed rawData with key:
// signature is sha1(rawData + session_key) in hex, over the received bytes
// (wechat-protocol D2.1). Otherwise it returns ErrRelogin.
func VerifyRawData(key Secret, rawData, signature string) error {
	got, err := hex.DecodeString(signature[:min(len(signature), 2*sha1.Size+1)])
	if err != nil || len(rawData) > maxRawData || key.IsZero() { // with an empty key any client could sign
		return errSignature
	}
	sum := sha1.New() //nolint:gosec // WeChat signs with SHA-1
	_, _ = io.WriteString(sum, rawData)
	_, _ = io.WriteString(sum, key.Reveal())
	if !hmac.Equal(sum.Sum(nil), got) { // in constant time (attack: timing)
		return errSignature
	}
	return nil
}
