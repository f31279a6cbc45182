package wechattest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strconv"
	"time"
)

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// randomText returns n random characters of [0-9a-zA-Z].
func randomText(n int) string {
	text := make([]byte, 0, n)
	var b [64]byte
	for len(text) < n {
		_, _ = rand.Read(b[:]) // never fails
		for _, c := range b {
			// 248 = 4·62: the remaining values would make some characters more
			// likely.
			if c < 248 && len(text) < n {
				text = append(text, alphanumeric[c%62])
			}
		}
	}
	return string(text)
}

// newCode returns a code like WeChat's: 32 characters, the first one a 0.
func newCode() string { return "0" + randomText(31) }

// newToken returns a token like WeChat's: "93_" and 86 characters.
func newToken() string {
	var b [65]byte
	_, _ = rand.Read(b[:]) // never fails
	return "93_" + base64.RawURLEncoding.EncodeToString(b[:])[:86]
}

// newNonce returns the nonce of a push: 9 digits.
func newNonce() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(900_000_000)) // never fails
	return strconv.FormatInt(100_000_000+n.Int64(), 10)
}

// newRID returns a request id like WeChat's: time and two random numbers.
func newRID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	now := uint32(time.Now().Unix())
	head := []byte{byte(now >> 24), byte(now >> 16), byte(now >> 8), byte(now)}
	return hex.EncodeToString(head) + "-" + hex.EncodeToString(b[:4]) + "-" + hex.EncodeToString(b[4:])
}
