package wechat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The key and the iv of the official sample.
const (
	sampleKey    = "tiihtNczf5v6AKRyjwEUhQ=="
	sampleIV     = "r7BXXKkLb8qrSNn05n0qiA=="
	sampleAppID  = "wx4f4bc4dec97d474b"
	sampleOpenID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
)

var sampleTime = time.Unix(1477314187, 0)

// seal encrypts blocks as they are.
func seal(blocks []byte) string {
	key, _ := base64.StdEncoding.DecodeString(sampleKey)
	iv, _ := base64.StdEncoding.DecodeString(sampleIV)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, blocks)
	return base64.StdEncoding.EncodeToString(out)
}

// pad pads text as PKCS#7 says.
func pad(text string) []byte {
	n := aes.BlockSize - len(text)%aes.BlockSize
	return append([]byte(text), bytes.Repeat([]byte{byte(n)}, n)...)
}

// enveloped returns the envelope of text, for the visitor of the sample.
func enveloped(text string) Envelope {
	return Envelope{
		AppID: sampleAppID, OpenID: sampleOpenID, SessionKey: NewSecret(sampleKey),
		Data: seal(pad(text)), IV: sampleIV,
	}
}

// marked returns a JSON object of fields with the watermark of the sample.
func marked(fields string) string {
	return `{` + fields + `,"watermark":{"timestamp":1477314187,"appid":"` + sampleAppID + `"}}`
}

const sampleFields = `"openId":"` + sampleOpenID + `","purePhoneNumber":"13800138000","countryCode":"86"`

func TestOfficialEnvelope(t *testing.T) {
	t.Parallel()
	var file struct {
		Vectors []struct {
			AppID string `json:"appid"`
			Key   string `json:"session_key"`
			IV    string `json:"iv"`
			Data  string `json:"encryptedData"`
			Text  string `json:"plaintext"`
		} `json:"vectors"`
	}
	readJSON(t, "miniprogram_decrypt.json", &file)
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.Vectors {
		var text struct{ OpenID, UnionID, NickName, AvatarURL string }
		if err := json.Unmarshal([]byte(v.Text), &text); err != nil {
			t.Fatal(err)
		}
		want := MiniProfile{text.OpenID, text.UnionID, text.NickName, text.AvatarURL}
		e := Envelope{AppID: v.AppID, OpenID: text.OpenID, SessionKey: NewSecret(v.Key), Data: v.Data, IV: v.IV}
		broken := e
		broken.Data = strings.Join([]string{e.Data[:76], e.Data[76:152], e.Data[152:]}, "\r\n")
		formed := e // as it comes out of a form
		formed.Data = strings.ReplaceAll(e.Data, "+", " ")
		if !strings.Contains(formed.Data, " ") {
			t.Error("the sample has no + to be spoilt")
		}
		for _, e := range []Envelope{e, broken, formed} {
			if got, err := e.Profile(sampleTime.Add(9 * time.Minute)); err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
	}
}

func TestEnvelopesThatAreRefused(t *testing.T) {
	t.Parallel()
	whole := marked(sampleFields)
	with := func(change func(*Envelope)) Envelope {
		e := enveloped(whole)
		change(&e)
		return e
	}
	encode := base64.StdEncoding.EncodeToString
	random := encode(bytes.Repeat([]byte("k"), 16))
	cases := map[string]struct {
		envelope Envelope
		want     error
	}{
		"no key":                 {with(func(e *Envelope) { e.SessionKey = Secret{} }), errSessionKey},
		"key is no base64":       {with(func(e *Envelope) { e.SessionKey = NewSecret("SESSION_KEY") }), errSessionKey},
		"key of 15 bytes":        {with(func(e *Envelope) { e.SessionKey = NewSecret(encode(make([]byte, 15))) }), errSessionKey},
		"key of 32 bytes":        {with(func(e *Envelope) { e.SessionKey = NewSecret(encode(make([]byte, 32))) }), errSessionKey},
		"another key":            {with(func(e *Envelope) { e.SessionKey = NewSecret(random) }), errDecrypt},
		"no iv":                  {with(func(e *Envelope) { e.IV = "" }), ErrIV},
		"short iv":               {with(func(e *Envelope) { e.IV = encode(make([]byte, 15)) }), ErrIV},
		"long iv":                {with(func(e *Envelope) { e.IV = encode(make([]byte, 17)) }), ErrIV},
		"iv is no base64":        {with(func(e *Envelope) { e.IV = "%" + sampleIV[1:] }), ErrIV},
		"endless iv":             {with(func(e *Envelope) { e.IV = strings.Repeat("A", 1<<20) }), ErrIV},
		"another iv":             {with(func(e *Envelope) { e.IV = random }), errDecrypt},
		"no data":                {with(func(e *Envelope) { e.Data = "" }), ErrCiphertext},
		"data is no base64":      {with(func(e *Envelope) { e.Data = "!" + e.Data[1:] }), ErrCiphertext},
		"half a block":           {with(func(e *Envelope) { e.Data = encode(make([]byte, 24)) }), ErrCiphertext},
		"one byte":               {with(func(e *Envelope) { e.Data = "AA==" }), ErrCiphertext},
		"endless data":           {with(func(e *Envelope) { e.Data = strings.Repeat("A", 8<<10+4) }), ErrCiphertext},
		"cut":                    {with(func(e *Envelope) { e.Data = seal(pad(whole)[:64]) }), errDecrypt},
		"padding of 0":           {with(func(e *Envelope) { e.Data = seal(padded(whole, 0)) }), errDecrypt},
		"padding of 17":          {with(func(e *Envelope) { e.Data = seal(padded(whole, 17)) }), errDecrypt},
		"16 bytes of padding 17": {with(func(e *Envelope) { e.Data = seal(append(pad(whole), bytes.Repeat([]byte{17}, 16)...)) }), errDecrypt},
		"nothing but 255":        {with(func(e *Envelope) { e.Data = seal(bytes.Repeat([]byte{255}, 16)) }), errDecrypt},
		"padding of 255":         {with(func(e *Envelope) { e.Data = seal(padded(whole, 255)) }), errDecrypt},
		"padding not all alike":  {with(func(e *Envelope) { e.Data = seal(unlike(whole)) }), errDecrypt},
		"nothing but padding":    {enveloped(""), errDecrypt},
		"not JSON":               {enveloped("hello"), errDecrypt},
		"null":                   {enveloped("null"), errDecrypt},
		"broken UTF-8":           {enveloped(marked(sampleFields + `,"nickName":"` + "\xff" + `"`)), errDecrypt},
		"control byte":           {enveloped(marked(sampleFields + `,"nickName":"` + "\x07" + `"`)), errDecrypt},
		"no watermark":           {enveloped(`{` + sampleFields + `}`), ErrForeignApp},
		"odd watermark":          {enveloped(`{` + sampleFields + `,"watermark":[]}`), ErrForeignApp},
		"null watermark":         {enveloped(`{` + sampleFields + `,"watermark":null}`), ErrForeignApp},
		"foreign app":            {with(func(e *Envelope) { e.AppID = testAppID }), ErrForeignApp},
		"no app to compare with": {with(func(e *Envelope) { e.AppID = "" }), ErrForeignApp},
		"no app on either side": {with(func(e *Envelope) {
			e.AppID, e.Data = "", seal(pad(`{`+sampleFields+`,"watermark":{"timestamp":1477314187,"appid":""}}`))
		}), ErrForeignApp},
		"no time":             {enveloped(`{` + sampleFields + `,"watermark":{"appid":"` + sampleAppID + `"}}`), ErrStale},
		"time that overflows": {enveloped(`{` + sampleFields + `,"watermark":{"timestamp":9223372036854775807,"appid":"` + sampleAppID + `"}}`), ErrStale},
	}
	for name, tc := range cases {
		profile, err := tc.envelope.Profile(sampleTime)
		phone, errPhone := tc.envelope.Phone(sampleTime)
		if !errors.Is(err, tc.want) || !errors.Is(errPhone, tc.want) || profile != (MiniProfile{}) || phone != (Phone{}) {
			t.Errorf("%s: %v and %v, want %v", name, err, errPhone, tc.want)
		}
		relogin := slices.Contains([]error{errSessionKey, errDecrypt}, tc.want)
		if errors.Is(err, ErrRelogin) != relogin {
			t.Errorf("%s: relogin is %t", name, !relogin)
		}
	}
}

// padded ends in a byte that says n, on a block boundary.
func padded(text string, n byte) []byte {
	blocks := pad(text)
	blocks[len(blocks)-1] = n
	return blocks
}

// unlike has 16 bytes of padding, the first of which is another.
func unlike(text string) []byte {
	for len(text)%aes.BlockSize != 0 {
		text += " "
	}
	blocks := pad(text)
	blocks[len(blocks)-aes.BlockSize] = 15
	return blocks
}

func TestPaddingOracle(t *testing.T) {
	t.Parallel()
	// Every way to bend the last block but one, which is how an oracle is
	// asked, gives the same error.
	e := enveloped(marked(sampleFields))
	data, _ := base64.StdEncoding.DecodeString(e.Data)
	for bit := range 8 * aes.BlockSize {
		bent := bytes.Clone(data)
		bent[len(bent)-2*aes.BlockSize+bit/8] ^= 1 << (bit % 8)
		e.Data = base64.StdEncoding.EncodeToString(bent)
		if _, err := e.Profile(sampleTime); err != errDecrypt { // the same one, not one that wraps it
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}

func TestAnotherVisitorsEnvelope(t *testing.T) {
	t.Parallel()
	for _, openID := range []string{"", testOpenID, strings.ToLower(sampleOpenID)} {
		e := enveloped(marked(sampleFields))
		e.OpenID = openID
		if profile, err := e.Profile(sampleTime); !errors.Is(err, ErrForeignPerson) || profile != (MiniProfile{}) {
			t.Errorf("session of %q: %+v, %v", openID, profile, err)
		}
	}
	// The iv is the visitor's to choose: it bends the first block at will.
	e := enveloped(marked(sampleFields))
	iv, _ := base64.StdEncoding.DecodeString(sampleIV)
	iv[len(`{"openId":"o`)] ^= 'G' ^ 'X'
	e.IV = base64.StdEncoding.EncodeToString(iv)
	if profile, err := e.Profile(sampleTime); !errors.Is(err, ErrForeignPerson) || profile != (MiniProfile{}) {
		t.Errorf("bent openid: %+v, %v", profile, err)
	}
}

func TestWatermarkAge(t *testing.T) {
	t.Parallel()
	cases := []struct {
		age  time.Duration
		want error
	}{
		{0, nil},
		{10 * time.Minute, nil},
		{10*time.Minute + time.Second, ErrStale},
		{-time.Minute, nil},
		{-time.Minute - time.Second, ErrStale},
		{24 * 365 * 10 * time.Hour, ErrStale},
	}
	for _, mark := range []string{"1477314187", `"1477314187"`} {
		for _, tc := range cases {
			t.Run(fmt.Sprintf("%s after %v", mark, tc.age), func(t *testing.T) {
				e := enveloped(fmt.Sprintf(`{%s,"watermark":{"timestamp":%s,"appid":"%s"}}`, sampleFields, mark, sampleAppID))
				if _, err := e.Phone(sampleTime.Add(tc.age)); !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
			})
		}
	}
}
