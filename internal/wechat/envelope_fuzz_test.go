package wechat

import (
	"crypto/aes"
	"slices"
	"testing"
)

func FuzzEnvelope(f *testing.F) {
	whole := marked(sampleFields)
	f.Add(sampleKey, sampleIV, seal(pad(whole)), pad(whole))
	f.Add(sampleKey, "AA==", "AAAA", []byte("{}"))
	f.Add("", "", " \r\n", []byte{})
	f.Add(sampleKey, sampleIV, "", pad(marked(`"openId":"`+sampleOpenID+`","unionId":"u\r\n","nickName":"\u202e","avatarUrl":"javascript:1"`)))
	f.Fuzz(func(t *testing.T, key, iv, data string, text []byte) {
		e := Envelope{AppID: sampleAppID, OpenID: sampleOpenID, SessionKey: NewSecret(key), Data: data, IV: iv}
		checkOpened(t, e)
		if len(text)%aes.BlockSize == 0 { // what no fuzzer would find behind the cipher
			e.SessionKey, e.IV, e.Data = NewSecret(sampleKey), sampleIV, seal(text)
			checkOpened(t, e)
		}
	})
}

// checkOpened checks what must hold of every envelope.
func checkOpened(t *testing.T, e Envelope) {
	t.Helper()
	sentinels := []error{errSessionKey, ErrIV, ErrCiphertext, errDecrypt, ErrForeignApp, ErrForeignPerson, ErrStale}
	profile, err := e.Profile(sampleTime)
	id, ok := parseID(profile.OpenID)
	switch {
	case err != nil && (profile != (MiniProfile{}) || !slices.Contains(sentinels, err)):
		t.Errorf("%+v, %v", profile, err)
	case err == nil && (!ok || id != e.OpenID || CleanNickname(profile.Nickname) != profile.Nickname || cleanAvatarURL(profile.AvatarURL) != profile.AvatarURL):
		t.Errorf("%+v", profile)
	}
	phone, err := e.Phone(sampleTime)
	switch {
	case err != nil && (phone != (Phone{}) || !slices.Contains(sentinels, err)):
		t.Errorf("%+v, %v", phone, err)
	case err == nil && (!digits(phone.Number, 4, 15) || !digits(phone.CountryCode, 1, 4)):
		t.Errorf("%+v", phone)
	}
}
