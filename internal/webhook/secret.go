package webhook

import (
	"encoding/base64"
	"errors"
	"strings"
)

const (
	secretPrefix = "whsec_"
	minSecret    = 24  // bytes
	maxSecret    = 64  // bytes of a secret in base64
	maxPlain     = 512 // bytes of a plain text secret
)

// errSecret reports a secret that cannot sign.
var errSecret = errors.New("webhook: a secret is whsec_ and 24 to 64 bytes in base64, or another text of 24 to 512 bytes")

// CheckSecret returns an error for a text that is not a secret. There are two
// forms: whsec_ and the base64 of 24 to 64 bytes
// (https://www.standardwebhooks.com, "Signing secret serialization"), and any
// other text of 24 to 512 bytes, which is used as it is. Receivers' libraries
// call the second form a raw secret.
func CheckSecret(text string) error {
	_, err := secretKey(text)
	return err
}

func secretKey(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		if len(text) < minSecret || len(text) > maxPlain {
			return nil, errSecret
		}
		return []byte(text), nil
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(encoded, "="))
	// Go's decoder skips line breaks, but decoders of other languages do not.
	if err != nil || len(key) < minSecret || len(key) > maxSecret || strings.ContainsAny(encoded, "\r\n") {
		return nil, errSecret // the decoder's error would quote the secret
	}
	return key, nil
}
