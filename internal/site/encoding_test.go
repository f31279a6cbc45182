package site

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Each encoding carries every nickname, and none of them lets one out of its
// header: no line break, no NUL, nothing that turns the writing around.
func TestEncodings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, nickname, base64url, utf8 string }{
		{"Chinese", "小明", "5bCP5piO", "小明"},
		{"emoji with a joiner", "👩\u200d🌾", "8J-RqeKAjfCfjL4", "👩\u200d🌾"},
		{"the letters of Base64", "?>~", "Pz5-", "?>~"},
		{"blanks", " a  b ", "IGEgIGIg", "a  b"},
		{"an empty line and a header", "a\r\n\r\nX-Wechat-Openid: evil", "", "aX-Wechat-Openid: evil"},
		{"a bare line feed", "a\nb", "", "ab"},
		{"NUL, DEL and C1", "a\x00\x7f\u0085\u009fb", "", "ab"},
		{"a tab", "a\tb", "", "ab"},
		{"right to left override", "a\u202egnp.exe", "", "agnp.exe"},
		{"isolates and separators", "\u2066a\u2069\u2028b\u2029", "", "ab"},
		{"a byte order mark", "\ufeffa", "", "a"},
		{"GBK bytes", "a\xc4\xe3b", "", "ab"},
		{"half a character", "a\xe5\xb0", "", "a"},
		{"nothing but control characters", "\x01\x02", "AQI", ""},
		{"percent signs", "50%0d%0a", "", "50%0d%0a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			person := shopPerson(true)
			person.Nickname = c.nickname
			valid := strings.ToValidUTF8(c.nickname, "\ufffd")
			for encoding, read := range map[Encoding]func(string) (string, error){
				"":                url.PathUnescape,
				EncodingPercent:   url.PathUnescape,
				EncodingBase64URL: func(s string) (string, error) { b, err := base64.RawURLEncoding.DecodeString(s); return string(b), err },
				EncodingUTF8:      func(s string) (string, error) { return s, nil },
			} {
				site := guarded(nil)
				site.Rules.Encoding = encoding
				h := http.Header{}
				site.newIdentity(shopSession(), person).apply(h, nil)
				sent := h["X-Wechat-Nickname"]
				want := valid
				if encoding == EncodingUTF8 {
					want = c.utf8
				}
				if want == "" {
					if len(sent) > 0 {
						t.Errorf("%s: %q is sent, want none", encoding, sent)
					}
					continue
				}
				if len(sent) != 1 {
					t.Fatalf("%s: %q, want one value", encoding, sent)
				}
				if got, err := read(sent[0]); got != want || err != nil {
					t.Errorf("%s: %q reads as %q (%v), want %q", encoding, sent[0], got, err, want)
				}
				if c.base64url != "" && encoding == EncodingBase64URL && sent[0] != c.base64url {
					t.Errorf("%s: %q, want %q", encoding, sent[0], c.base64url)
				}
				if encoding != EncodingUTF8 && !isVisibleASCII(sent[0]) || !utf8.ValidString(sent[0]) || strings.ContainsFunc(sent[0], unicode.IsControl) {
					t.Errorf("%s: %q breaks a header", encoding, sent[0])
				}
			}
		})
	}
}

// The avatar has the nickname's encoding, everything else has none: identifiers
// are visible ASCII, and what is not is not sent.
func TestEncodingOfOtherFields(t *testing.T) {
	t.Parallel()
	person := shopPerson(true)
	for encoding, avatar := range map[Encoding]string{
		EncodingPercent:   "https%3A%2F%2Fthirdwx.qlogo.cn%2Fa%3Fb%3Dc%26d%3De",
		EncodingBase64URL: "aHR0cHM6Ly90aGlyZHd4LnFsb2dvLmNuL2E_Yj1jJmQ9ZQ",
		EncodingUTF8:      "https://thirdwx.qlogo.cn/a?b=c&d=e",
	} {
		site := guarded(map[Field]string{FieldAvatar: "X-Avatar"})
		site.Rules.Encoding = encoding
		h := http.Header{}
		site.newIdentity(shopSession(), person).apply(h, nil)
		if h.Get("X-Avatar") != avatar || h.Get("X-Wechat-Openid") != "oOpenID1" || h.Get("X-Wechat-Scope") != "snsapi_userinfo" {
			t.Errorf("%s: %v", encoding, h)
		}
	}
	for _, bad := range []string{"o\r\nX-Evil: 1", "o\x00", "o b", "o\u202e", "小明", "o\xff"} {
		person.UnionID = bad
		h := http.Header{}
		guarded(nil).newIdentity(shopSession(), person).apply(h, nil)
		if sent, there := h["X-Wechat-Unionid"]; there {
			t.Errorf("the unionid %q is sent as %q", bad, sent)
		}
	}
}
