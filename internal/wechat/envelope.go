package wechat

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// maxEnvelope bounds encryptedData, in bytes of base64. Real values have about
// 500.
const maxEnvelope = 8 << 10

// The errors of an Envelope. errSessionKey and errDecrypt wrap ErrRelogin: the
// client must call wx.login and then fetch the data again.
var (
	errSessionKey = fmt.Errorf("there is no usable session_key: %w", ErrRelogin)
	ErrIV         = errors.New("the iv is not 16 bytes in base64")
	ErrCiphertext = errors.New("the encrypted data is not whole blocks in base64, or more than 8 KiB")
	// errDecrypt has no details: an attacker who can tell a wrong key from
	// wrong padding or wrong text can encrypt any text (attack: padding
	// oracle).
	errDecrypt       = fmt.Errorf("the data does not belong to this session: %w", ErrRelogin)
	ErrForeignApp    = errors.New("the data belongs to another mini program")
	ErrForeignPerson = errors.New("the data belongs to another visitor than the session")
	ErrStale         = errors.New("the data is too old, or from the future")
)

// Envelope is data that WeChat encrypted for a mini program and that its client
// passes on (encryptedData: AES-128-CBC with the session_key; wechat-protocol
// D2.2).
//
// This encryption has no authentication: a visitor can change a few bytes of
// the visitor's own envelope. The useful changes are refused (another openid)
// or have almost no chance (the text must be valid UTF-8, which a changed block
// is not). Still, prefer the unionid of Login to that of a profile, and
// Client.Phone to the phone number of an envelope.
type Envelope struct {
	// AppID is the mini program that the data must belong to.
	AppID string
	// OpenID is the visitor that a profile must belong to. A phone number
	// contains no openid.
	OpenID string
	// SessionKey is the key of the visitor's last Login.
	SessionKey Secret
	// Data and IV are encryptedData and iv in base64. Line breaks are removed,
	// and a space, which a form makes of +, becomes + again.
	Data, IV string
}

// open decrypts the envelope and checks its watermark.
func (e Envelope) open(now time.Time) (reply, error) {
	key, ok := decodeBase64(e.SessionKey.Reveal(), maxSessionKey)
	if !ok || len(key) != 16 { // AES also accepts 24 and 32
		return nil, errSessionKey
	}
	iv, ok := decodeBase64(e.IV, maxSessionKey)
	if !ok || len(iv) != aes.BlockSize {
		return nil, ErrIV // an IV of a wrong length makes other SDKs panic
	}
	data, ok := decodeBase64(e.Data, maxEnvelope)
	if !ok || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrCiphertext // so does such a ciphertext
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errSessionKey
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	text, padded := unpad(data)
	var r reply
	// Wrong padding does not return early (attack: padding oracle by timing).
	// The text is not repaired as answers are: a changed block decrypts to 16
	// random bytes, which must not pass.
	wrong := !utf8.Valid(text)
	wrong = json.Unmarshal(text, &r) != nil || wrong
	if wrong || !padded || r == nil {
		return nil, errDecrypt
	}
	return r, e.checkWatermark(r, now)
}

// unpad removes the PKCS#7 padding from data, which has one or more whole
// blocks. It always reads all bytes of the last block, for constant time.
func unpad(data []byte) (text []byte, ok bool) {
	last := data[len(data)-aes.BlockSize:]
	n := int(last[aes.BlockSize-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, aes.BlockSize)
	for i, b := range last {
		inside := subtle.ConstantTimeLessOrEq(aes.BlockSize-i, n)
		good &= subtle.ConstantTimeSelect(inside, subtle.ConstantTimeByteEq(b, byte(n)), 1)
	}
	n = subtle.ConstantTimeSelect(good, n, 1)
	return data[:len(data)-n], good == 1
}

// decodeBase64 decodes text of at most limit bytes.
func decodeBase64(text string, limit int) ([]byte, bool) {
	if len(text) > limit {
		return nil, false
	}
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, " ", "+")) // the decoder skips line breaks
	return data, err == nil
}
