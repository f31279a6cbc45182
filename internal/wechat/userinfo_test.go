package wechat

import (
	"strings"
	"testing"
)

func TestCleanNickname(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"":                              "",
		"  小明 ":                         "小明",
		"a\x07b\x14c\r\nd\te\x7f":       "abcde",
		"a\u0085b\u200bc":               "ab\u200bc",
		"\u202eevil\u2066x\ufeff":       "evilx",
		"bad\xff\xc3utf\ufffd8":         "badutf8",
		"👨‍👩‍👧 阿强":                      "👨‍👩‍👧 阿强",
		"\ue415":                        "\ue415",
		strings.Repeat("名", 70):         strings.Repeat("名", 64),
		strings.Repeat("x", 63) + " yz": strings.Repeat("x", 63),
		"\x00\x01":                      "",
	}
	for in, want := range cases {
		if got := CleanNickname(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCleanAvatarURL(t *testing.T) {
	t.Parallel()
	good := []string{
		"https://thirdwx.qlogo.cn/mmopen/vi_32/xxx/132", "http://wx.qlogo.cn/0", "HTTPS://a.example/x?y=1&z=%20#f",
		"https://a.example/" + strings.Repeat("x", 1024-len("https://a.example/")),
	}
	bad := []string{
		"", "javascript:alert(1)", "data:text/html,x", "//a.example/x", "/x", "https:///x", "https://", "ftp://a.example/",
		"https://a.example/\r\nSet-Cookie: x", "https://a.example/ x", "https://a.example/\"onerror=x", "https://a.example/'x",
		"https://a.example/<x>", "https://user:pass@a.example/", "https://a.example/\x7f", "https://a.example/图", `https:\\a.example`,
		"https://a.example/" + strings.Repeat("x", 1024), "https://:80/", "https://a.example/%zz",
	}
	for _, address := range good {
		if got := cleanAvatarURL(address); got != address {
			t.Errorf("%q: got %q", address, got)
		}
	}
	for _, address := range bad {
		if got := cleanAvatarURL(address); got != "" {
			t.Errorf("%q was taken", address)
		}
	}
}
