package wechat

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"testing"
)

// rawSignature signs as WeChat's client does.
func rawSignature(data, key string) string {
	sum := sha1.Sum([]byte(data + key))
	return hex.EncodeToString(sum[:])
}

func TestPhoneNumbers(t *testing.T) {
	t.Parallel()
	var file fixtures
	readJSON(t, "http_fixtures.json", &file)
	cases := []struct {
		body, appID string
		want        Phone
		err         error
	}{
		{string(file.Success["wxa_business_getuserphonenumber_countrycode_number"].Body), "wx0000000000000001", Phone{"86", "13123456789"}, nil},
		{string(file.Success["wxa_business_getuserphonenumber_countrycode_string"].Body), "xxxx", Phone{"86", "13800138000"}, nil},
		{string(file.Success["wxa_business_getuserphonenumber_countrycode_string"].Body), testAppID, Phone{}, ErrAlert}, // another's
		{`{"phone_info":{"purePhoneNumber":"23456789","countryCode":"+852"}}`, testAppID, Phone{"852", "23456789"}, nil},
		{`{"phone_info":{"purePhoneNumber":5551234567,"countryCode":1}}`, testAppID, Phone{"1", "5551234567"}, nil},
		{`{"phone_info":{"purePhoneNumber":"123","countryCode":"86"}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":"1234567890123456","countryCode":"86"}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":"13800138000","countryCode":""}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":"13800138000"}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":"13800138000","countryCode":86000}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":"138\r\nX: 1","countryCode":86}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":"１３８００１３８０００","countryCode":86}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":{"purePhoneNumber":1.38e10,"countryCode":-8}}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":null}`, testAppID, Phone{}, ErrUncertain},
		{`{"phone_info":"13800138000"}`, testAppID, Phone{}, ErrUncertain},
		{`{}`, testAppID, Phone{}, ErrUncertain},
		{`{"errcode":40029,"errmsg":"invalid code"}`, testAppID, Phone{}, ErrRestart},
	}
	for _, tc := range cases {
		t.Run(tc.body, func(t *testing.T) {
			got, err := newClient(t, answer(tc.body)).Phone(t.Context(), testAccess, tc.appID, testCode, testOpenID)
			if got != tc.want || !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

func TestPhoneOfAnEnvelope(t *testing.T) {
	t.Parallel()
	got, err := enveloped(marked(`"phoneNumber":"13800138000","purePhoneNumber":"13800138000","countryCode":"86"`)).Phone(sampleTime)
	if want := (Phone{"86", "13800138000"}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, fields := range []string{`"phoneNumber":"13800138000"`, `"purePhoneNumber":"x","countryCode":"86"`} {
		t.Run(fields, func(t *testing.T) {
			if got, err := enveloped(marked(fields)).Phone(sampleTime); !errors.Is(err, errDecrypt) || got != (Phone{}) {
				t.Errorf("got %+v, %v, want no number and %v", got, err, errDecrypt)
			}
		})
	}
}

func FuzzAccountAnswers(f *testing.F) {
	f.Add([]byte(success))
	f.Add([]byte(`{"errcode":0,"phone_info":{"purePhoneNumber":"13800138000","countryCode":86,"watermark":{"timestamp":1637744274,"appid":"wx1234567890abcdef"}}}`))
	f.Add([]byte(`{"phone_info":{"purePhoneNumber":null,"countryCode":[]},"access_token":"a\u0000","expires_in":"99999999999","ticket":5}`))
	f.Add([]byte(`{"errcode":40164,"errmsg":"invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 64e5d2d0-18b1978d-6abec211"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := phoneNumber.read(body, nil)
		if e, ok := errors.AsType[*Error](err); ok && len(e.Address) > 45 {
			t.Errorf("address %q", e.Address)
		}
		if err != nil {
			return
		}
		if phone, err := parsePhoneAnswer(r, testAppID); err == nil && (!digits(phone.Number, 4, 15) || !digits(phone.CountryCode, 1, 4)) || err != nil && phone != (Phone{}) {
			t.Errorf("%+v, %v", phone, err)
		}
		for name, ep := range map[string]endpoint{"access_token": stableToken, "ticket": jsTicket} {
			value, life, err := ep.lent(r, name, errNoToken)
			if err == nil && (!sendable(value.Reveal(), maxToken) || life <= 0 || life > maxExpiresIn) || err != nil && !value.IsZero() {
				t.Errorf("%s %q for %v, %v", name, value.Reveal(), life, err)
			}
		}
		if session, err := parseMiniSession(r); err == nil && !session.SessionKey.IsZero() && !sendable(session.SessionKey.Reveal(), maxSessionKey) {
			t.Errorf("session_key %q", session.SessionKey.Reveal())
		}
	})
}
