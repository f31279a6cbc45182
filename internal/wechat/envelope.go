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

// maxEnvelope bounds encryptedData, in bytes of base64. Real ones have some 500.
const maxEnvelope = 8 << 10

// What can be wrong with an Envelope, beside ErrRelogin: the client calls wx.login,
// and fetches the data after it. That is what errSessionKey and errDecrypt wrap.
var (
	errSessionKey = fmt.Errorf("there is no usable session_key: %w", ErrRelogin)
	ErrIV         = errors.New("the iv is not 16 bytes in base64")
	ErrCiphertext = errors.New("the encrypted data is not whole blocks in base64, or more than 8 KiB")
	// errDecrypt has no details: whoever could tell a wrong key from wrong
	// padding from wrong text could encrypt what he likes (padding oracle).
	errDecrypt       = fmt.Errorf("the data does not belong to this session: %w", ErrRelogin)
	ErrForeignApp    = errors.New("the data is of another mini program")
	ErrForeignPerson = errors.New("the data is of another visitor than the session")
	ErrStale         = errors.New("the data is too old, or from the future")
)

// Envelope is what a mini program's client hands over encrypted by WeChat
// (encryptedData: AES-128-CBC with the session_key, D2).
//
// Such encryption has no authentication: a visitor can bend a few bytes of an
// envelope of his own. What could be gained by it is refused here (another openid)
// or made hopeless (text that is not perfect UTF-8, which a bent block is not);
// still, prefer the unionid of Login to that of a profile, and Client.Phone to the
// phone number of an envelope.
type Envelope struct {
	// AppID is the mini program that the data must be of.
	AppID string
	// OpenID is the visitor that a profile must be of. A phone number names
	// nobody.
	OpenID string
	// SessionKey is that of the visitor's last Login.
	SessionKey Secret
	// Data and IV are encryptedData and iv, base64. Line breaks are taken out,
	// and blanks that a form made of + are repaired.
	Data, IV string
}

// open decrypts the envelope and checks its watermark.
func (e Envelope) open(now time.Time) (reply, error) {
	key, ok := decodeBase64(e.SessionKey.Reveal(), maxSessionKey)
	if !ok || len(key) != 16 { // AES would take 24 and 32 too
		return nil, errSessionKey
	}
	iv, ok := decodeBase64(e.IV, maxSessionKey)
	if !ok || len(iv) != aes.BlockSize {
		return nil, ErrIV // SDKs panic here
	}
	data, ok := decodeBase64(e.Data, maxEnvelope)
	if !ok || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrCiphertext // and here
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errSessionKey
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	text, padded := unpad(data)
	var r reply
	// Wrong padding does not end the work early (timing, as a padding oracle).
	// The text is not repaired as answers are: each bent block leaves 16 random
	// bytes, and that they pass must be out of reach.
	wrong := !utf8.Valid(text)
	wrong = json.Unmarshal(text, &r) != nil || wrong
	if wrong || !padded || r == nil {
		return nil, errDecrypt
	}
	return r, e.checkWatermark(r, now)
}

// unpad takes the PKCS#7 padding off data, which is whole blocks, one at least.
// All bytes of the last block are looked at, whatever they are.
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
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, " ", "+")) // it skips line breaks by itself
	return data, err == nil
}
