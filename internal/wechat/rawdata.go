package wechat

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // WeChat signs with SHA-1
	"encoding/hex"
	"fmt"
	"io"
)

// maxRawData bounds the rawData of a profile, in bytes. Real ones have some 300.
const maxRawData = 8 << 10

// errSignature says that rawData was not signed with this session's key: it was
// changed, or wx.login was called again since. It is also ErrRelogin.
var errSignature = fmt.Errorf("the signature does not match the data: %w", ErrRelogin)

// VerifyRawData reports, as nil, that WeChat's client signed rawData with key:
// signature is sha1(rawData + session_key) in hex, over the bytes as they came
// (WeChat: signature of open data, D2). Anything else is ErrRelogin.
func VerifyRawData(key Secret, rawData, signature string) error {
	got, err := hex.DecodeString(signature[:min(len(signature), 2*sha1.Size+1)])
	if err != nil || len(rawData) > maxRawData || key.IsZero() { // with an empty key anybody could sign
		return errSignature
	}
	sum := sha1.New() //nolint:gosec // WeChat signs with SHA-1
	_, _ = io.WriteString(sum, rawData)
	_, _ = io.WriteString(sum, key.Reveal())
	if !hmac.Equal(sum.Sum(nil), got) { // in constant time (timing attack)
		return errSignature
	}
	return nil
}
