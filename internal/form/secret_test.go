package form

import (
	"strconv"
	"strings"
	"testing"
)

// Attack: a password or the number of a card waits in the browser's storage,
// because the app writes the name of its field in one lower-case word, in
// another charset, or abbreviates it.
func TestAttackSecretsInOneWordAreNotKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"userpass", "USERPASS", "newpass", "oldpass", "newpass2", "passchk", "loginpass", "txtpass", "repass", "paypass", "user.newpass",
		"passnew", "pass2", "passWd", "passportpass", "mybypassword", "passwort", "pswd", "txtPswd", "userpsw", "upsw", "psw1", "userpsd",
		"pw", "userpw", "pw_old", "zfmm", "dlmm", "xdlmm", "yhmm", "jymm", "pincode", "pin_code",
		"card", "Card", "card2", "order[card]", "payment.card", "card_id", "cardid", "cardnr", "card_nr", "creditno", "credit_no", "bank_card_id",
		"\xb1K\xbdX", "\xb7s\xb1K\xbdX", "\xa5d\xb8\xb9", "\xabH\xa5\xce\xa5d", "\xc3\xdc\xb4a", "\xbf\xa8\xcc\x96",
		"&#23494;&#30721;", "&#x5BC6;&#x7801;", "new&#23494;&#30908;", "&#112;assword",
		"ｐａｓｓｗｏｒｄ", "ＰＡＳＳ", "ｕｓｅｒ＿ｐｗｄ", "\xa3\xf0\xa3\xe1\xa3\xf3\xa3\xf3\xa3\xf7\xa3\xef\xa3\xf2\xa3\xe4", "\xd0\xc2\xa3\xd0\xa3\xd7\xa3\xc4",
	} {
		t.Run(strconv.QuoteToASCII(name), func(t *testing.T) {
			t.Parallel()
			f, err := Read(strings.NewReader(parts([2]string{`name="` + name + `"`, "hunter2"})), multipartType)
			if err != nil || len(f.Fields) != 1 || f.Fields[0].Kind != Secret || f.Fields[0].Value != "" {
				t.Errorf("kept as %+v (%v), want the name only", f.Fields, err)
			}
		})
	}
}

// Names that only look like those of secrets are kept: otherwise a visitor
// enters them again.
func TestFieldsNamedAlmostLikeSecretsAreKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"passport", "passportno", "passport_no", "PassportNumber", "userpassport", "passenger", "passengers", "passengername", "passenger1", "PASSENGER",
		"compass", "compassdirection", "bypass", "bypasscache", "trespass", "encompass", "surpass", "overpass", "underpass", "passage", "passive",
		"passion", "compassion", "passing", "passed", "passthrough", "passrate", "impasse", "groupassets",
		"postcard", "postcard_id", "discard", "discard_id", "business_card", "namecard", "scorecard", "cardholder", "cardtype", "wildcard", "cardigan", "cardiology",
		"credit", "creditnote", "credit_notes", "credits", "comm", "hhmm", "yyyymm", "mm", "widthmm", "xmm", "gramm", "programm",
		"shipping", "shippingcode", "spin", "opinion", "spinach", "topspeed", "gps", "upsweep", "https", "psdfile", "power", "gpwr",
		"&#22995;&#21517;", "R&D", "a&b", "ｎａｍｅ", "姓名", "备注", "口味", "卡片", "令牌名称", "\xd0\xd5\xc3\xfb", "\xa9m\xa6W", "\xa3\xee\xa3\xe1\xa3\xed\xa3\xe5",
	} {
		t.Run(strconv.QuoteToASCII(name), func(t *testing.T) {
			t.Parallel()
			if IsSecret(name) {
				t.Error("not kept")
			}
		})
	}
}
