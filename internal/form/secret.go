package form

import (
	"slices"
	"strings"
)

// secretParts make a name that has one of them, in any case and without its
// punctuation, the name of a password or a card number. The Chinese ones are in
// UTF-8 and in GBK, because the charset of a form is not known.
var secretParts = []string{
	"password", "passwd", "passphrase", "passcode", "pwd", "mima", "kouling", "pincode",
	"cardno", "cardnr", "cardnum", "cardcode", "cardid", "creditcard", "creditno", "debitcard", "bankcard", "bankno", "bankacc",
	"ccnum", "ccno", "kahao", "yinhangka",
	"cvv", "cvc", "cvn", "securitycode", "verificationvalue",
	"密码", "密碼", "口令", "卡号", "卡號", "银行卡", "銀行卡", "信用卡", "安全码", "安全碼",
	"\xc3\xdc\xc2\xeb", "\xbf\xda\xc1\xee", "\xbf\xa8\xba\xc5", "\xd2\xf8\xd0\xd0\xbf\xa8", "\xd0\xc5\xd3\xc3\xbf\xa8", "\xb0\xb2\xc8\xab\xc2\xeb",
}

// secretBytes are the traditional ones in GBK and in Big5. Half of such a
// character may be an ASCII letter, so they are looked for in the name as it
// is.
var secretBytes = []string{
	"\xc3\xdc\xb4a", "\xbf\xa8\xcc\x96", "\xe3y\xd0\xd0\xbf\xa8", "\xb0\xb2\xc8\xab\xb4a",
	"\xb1K\xbdX", "\xa4f\xa5O", "\xa5d\xb8\xb9", "\xbb\xc8\xa6\xe6\xa5d", "\xabH\xa5\xce\xa5d", "\xa6w\xa5\xfe\xbdX",
}

// These are too short to be looked for anywhere in a name. mm is 密码 in pinyin
// (支付密码 is zfmm), but also a length and a month.
var (
	secretNames    = []string{"card"} // the whole name, or its part in brackets
	secretWords    = []string{"pin", "csc", "secret"}
	secretPrefixes = []string{"pass", "psw"}
	secretSuffixes = []string{"pass", "psw", "pswd", "psd", "pw", "zfmm", "dlmm", "yhmm", "qrmm", "cxmm", "jymm", "czmm"}
)

// Words that contain one of these, or seem to, but name no secret.
var (
	harmlessCards = strings.NewReplacer(each(" ",
		"postcard", "discard", "businesscard", "namecard", "scorecard", "wildcard", "creditnot")...)
	harmlessPass = strings.NewReplacer(each(" ",
		"encompass", "compass", "bypass", "trespass", "surpass", "overpass", "underpass", "passport", "passenger", "passage", "passive",
		"passion", "passing", "passed", "passthrough", "passthru", "passrate", "passmark", "passscore")...)
)

// each returns the arguments of a replacer that puts the same text for each
// word.
func each(text string, words ...string) (pairs []string) {
	for _, word := range words {
		pairs = append(pairs, word, text)
	}
	return pairs
}

// IsSecret reports whether a field is named like a password or a card number.
func IsSecret(name string) bool {
	return slices.ContainsFunc(readings(name), isSecret)
}

func isSecret(name string) bool {
	for _, part := range secretBytes {
		if strings.Contains(name, part) {
			return true
		}
	}
	folded := harmlessCards.Replace(fold(name))
	for _, part := range secretParts {
		if strings.Contains(folded, part) {
			return true
		}
	}
	last := name[strings.LastIndexAny(strings.TrimRight(name, "]"), ".[$:")+1:]
	if slices.Contains(secretNames, strings.TrimRight(fold(last), "0123456789")) {
		return true
	}
	return slices.ContainsFunc(wordsOf(name), isSecretWord)
}

// isSecretWord reports whether one word, in lower case, names a secret.
func isSecretWord(word string) bool {
	for _, word := range strings.Fields(harmlessPass.Replace(word)) {
		begins := func(with string) bool { return strings.HasPrefix(word, with) }
		ends := func(with string) bool { return strings.HasSuffix(word, with) }
		if slices.Contains(secretWords, word) || slices.ContainsFunc(secretPrefixes, begins) || slices.ContainsFunc(secretSuffixes, ends) {
			return true
		}
	}
	return false
}
