package form

import (
	"slices"
	"strings"
)

// secretParts make a name that has one of them, in any case and without its
// punctuation, the name of a password or a card number. The Chinese ones are in
// UTF-8 and in GBK, because the charset of a form is not known.
var secretParts = []string{
	"password", "passwd", "passphrase", "passcode", "pwd", "mima", "kouling",
	"cardno", "cardnum", "cardcode", "creditcard", "debitcard", "bankcard", "bankno", "bankacc", "ccnum", "ccno", "kahao", "yinhangka",
	"cvv", "cvc", "cvn", "securitycode", "verificationvalue",
	"密码", "密碼", "口令", "卡号", "卡號", "银行卡", "信用卡", "安全码",
	"\xc3\xdc\xc2\xeb", "\xbf\xda\xc1\xee", "\xbf\xa8\xba\xc5", "\xd2\xf8\xd0\xd0\xbf\xa8", "\xd0\xc5\xd3\xc3\xbf\xa8", "\xb0\xb2\xc8\xab\xc2\xeb",
}

// secretWords are too short to be looked for inside other words.
var secretWords = []string{"pass", "psw", "psd", "pin", "csc", "secret"}

// IsSecret reports whether a field is named like a password or a card number.
func IsSecret(name string) bool {
	folded := fold(name)
	for _, part := range secretParts {
		if strings.Contains(folded, part) {
			return true
		}
	}
	return slices.ContainsFunc(wordsOf(name), func(word string) bool { return slices.Contains(secretWords, word) })
}

// fold returns a name in lower case without its ASCII punctuation. It leaves
// bytes of other charsets as they are.
func fold(name string) string {
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			out = append(out, c|0x20)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
			out = append(out, c)
		}
	}
	return string(out)
}

// wordsOf splits a name at punctuation, digits and changes from lower to upper
// case: userPass, user.pass and pass2 have the word pass.
func wordsOf(name string) (words []string) {
	word := []byte{}
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			if i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
				end()
			}
			word = append(word, c|0x20)
		case c >= 'a' && c <= 'z':
			word = append(word, c)
		default:
			end()
		}
	}
	end()
	return words
}
