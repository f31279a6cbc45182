package webhook

import (
	"encoding/base64"
	"errors"
	"strings"
)

const (
	secretPrefix = "whsec_"
	minSecret    = 24  // bytes
	maxSecret    = 64  // bytes of one in base64
	maxPlain     = 512 // bytes of one that is plain text
)

// errSecret says that a secret cannot sign.
var errSecret = errors.New("webhook: a secret is whsec_ and 24 to 64 bytes in base64, or another text of 24 to 512 bytes")

// CheckSecret reports a text that is no secret. There are two forms: whsec_ and the base64 of 24 to 64
// bytes (https://www.standardwebhooks.com, "Signing secret serialization"); and any other text of 24 to 512 bytes,
// which is taken as it is. Libraries of receivers take the second form where they ask for a raw secret.
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
	// A line break is skipped by the decoder, but not by those of other languages.
	if err != nil || len(key) < minSecret || len(key) > maxSecret || strings.ContainsAny(encoded, "\r\n") {
		return nil, errSecret // the decoder's own error would quote the secret
	}
	return key, nil
}
