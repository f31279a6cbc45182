package doctor

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

var errKey = errors.New("not an EncodingAESKey")

// sealPush puts a message into the envelope of the safe mode (安全模式): random
// bytes, length, message and app id, padded to 32 bytes, encrypted
// (wechat-protocol F3).
func sealPush(key wechat.Secret, appID, message string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(key.Reveal() + "=")
	if err != nil || len(raw) != 32 {
		return "", errKey
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return "", errKey
	}
	clear := []byte(rand.Text()[:16])
	clear = binary.BigEndian.AppendUint32(clear, uint32(len(message)))
	clear = append(append(clear, message...), appID...)
	pad := 32 - len(clear)%32
	clear = append(clear, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, raw[:aes.BlockSize]).CryptBlocks(clear, clear)
	return base64.StdEncoding.EncodeToString(clear), nil
}
