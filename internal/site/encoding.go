package site

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Encoding is how headers carry the text that people choose themselves:
// nickname and avatar.
type Encoding string

// The encodings. The zero value is EncodingPercent.
const (
	EncodingPercent   Encoding = "percent"   // percent-encoded UTF-8, as RFC 3986 has it
	EncodingBase64URL Encoding = "base64url" // RFC 4648, section 5, without padding
	EncodingUTF8      Encoding = "utf8"      // UTF-8 as it is, without characters that could break a header
)

// headerValue returns the value of a header, "" if there is none to send.
//
// Nickname and avatar are encoded: percent-encoded and Base64 text can carry
// any nickname and contains no line break (attack: header injection by
// nickname). All other fields are visible ASCII, in phone numbers with blanks.
// A value of another form, which no ledger returns, is not sent.
func (e Encoding) headerValue(f Field, v string) string {
	if f != FieldNickname && f != FieldAvatar {
		if !isVisibleASCII(v) && (f != FieldPhone || !isVisibleASCII(strings.ReplaceAll(v, " ", ""))) {
			return ""
		}
		return v
	}
	switch v = strings.ToValidUTF8(v, "\ufffd"); e {
	case EncodingBase64URL:
		return base64.RawURLEncoding.EncodeToString([]byte(v))
	case EncodingUTF8:
		return wechat.PlainText(v)
	default:
		// A space becomes %20, because many decoders read + as a plus sign.
		return strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
	}
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
