package wechat

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanMessage(t *testing.T) {
	t.Parallel()
	secret := NewSecret("0123456789abcdefghij")
	cases := []struct{ in, message, rid string }{
		{"", "", ""},
		{"ok", "ok", ""},
		{"invalid code, rid: 62fb9bc8-078c24da-4202f278", "invalid code", "62fb9bc8-078c24da-4202f278"},
		{"code been used, hints: [ req_id: plAv90053th21 ]", "code been used", "plAv90053th21"},
		{"x hints: [req_id: jCbezQaLRa-yh_Wxa]", "x", "jCbezQaLRa-yh_Wxa"},
		{"x, hints: [ req_id: a1 ], rid: b2", "x", "b2"},
		{
			"invalid ip 101.226.140.206 ipv6 ::ffff:101.226.140.206, not in whitelist rid: 64e5d2d0-18b1978d-6abec211",
			"invalid ip 101.226.140.206 ipv6 ::ffff:101.226.140.206, not in whitelist", "64e5d2d0-18b1978d-6abec211",
		},
		{"invalid appid, rid: ...", "invalid appid", ""},
		{"rid: abc", "", "abc"},
		{"rid: ", "", ""},
		{"a grid: abc", "a grid: abc", ""},
		{"rid: of many words", "rid: of many words", ""},
		{"x, rid: " + strings.Repeat("a", 65), "x", ""},
		{"x, rid: a\r\nb", "x", "ab"},
		{"a\x00b\r\nX-Header: 1\u202ec\u2028d\xff", "abX-Header: 1cd", ""},
		{"bad secret 0123456789abcdefghij!", "bad secret REDACTED!", ""},
		{"twice 0123456789abcdefghij0123456789abcdefghij", "twice REDACTEDREDACTED", ""},
		{"a part 23456789abcd, b", "a part REDACTED, b", ""},
		{"torn 0123456789\x07abcdefghij", "torn REDACTED", ""},
		{"x, rid: 0123456789abcdefghij", "x", "REDACTED"},
		{"short 0123456 stays", "short 0123456 stays", ""},
		{strings.Repeat("长", 300), strings.Repeat("长", 256), ""},
		{strings.Repeat("a", 250) + "0123456789abcdefghij", strings.Repeat("a", 250) + "REDACT", ""},
	}
	for _, tc := range cases {
		if message, rid := cleanMessage(tc.in, []Secret{secret, {}}); message != tc.message || rid != tc.rid {
			t.Errorf("%q: got %q, %q; want %q, %q", tc.in, message, rid, tc.message, tc.rid)
		}
	}
}

func TestRedactForms(t *testing.T) {
	t.Parallel()
	secret := NewSecret("a+/=&b?c#d")
	cases := map[string]string{
		"raw a+/=&b?c#d.":                 "raw REDACTED.",
		"escaped a%2B%2F%3D%26b%3Fc%23d.": "escaped REDACTED.",
		"nothing of it":                   "nothing of it",
	}
	for in, want := range cases {
		if got := redact(in, []Secret{secret}); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	// As post writes it into a question, which an answer may quote.
	if got := redact(`raw "quo\te"12 JSON \"quo\\te\"12.`, []Secret{NewSecret(`"quo\te"12`)}); got != "raw REDACTED JSON REDACTED." {
		t.Errorf("quoted secret: %q", got)
	}
	if got := redact("x pass y", []Secret{NewSecret("pass")}); got != "x REDACTED y" {
		t.Errorf("short secret: %q", got)
	}
	if got := redact("abc", []Secret{NewSecret("abc")}); got != "abc" {
		t.Errorf("three bytes are no secret: %q", got)
	}
}

func FuzzCleanMessage(f *testing.F) {
	f.Add("invalid code, rid: 62fb9bc8-078c24da-4202f278", "0123456789abcdef")
	f.Add("code been used, hints: [ req_id: plAv90053th21 ]", "plAv90053th21")
	f.Add("x\x07y, hints: rid:", "hints")
	f.Fuzz(func(t *testing.T, text, secret string) {
		message, rid := cleanMessage(text, []Secret{NewSecret(secret)})
		if !utf8.ValidString(message) || utf8.RuneCountInString(message) > maxMessage || strings.ContainsFunc(message, func(r rune) bool { return r < ' ' }) {
			t.Errorf("message %q", message)
		}
		if len(rid) > maxRID || strings.ContainsFunc(rid, notIDRune) {
			t.Errorf("rid %q", rid)
		}
		plain := plainText(secret, len(secret))
		if plain == secret && len(secret) >= minSecret && !strings.Contains(redacted, secret) &&
			!strings.Contains(secret, redacted) && strings.Contains(message+"\n"+rid, secret) {
			t.Errorf("%q holds %q", message, secret)
		}
	})
}
