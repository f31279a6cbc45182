package wechattest

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
)

// The worked examples of WeChat's documents.
func TestOfficialEncryptedData(t *testing.T) {
	t.Parallel()
	const clear = `{"openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0","unionId":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA","watermark":{"timestamp":1477314187,"appid":"wx4f4bc4dec97d474b"}}`
	const want = "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
	if got, err := encryptData("tiihtNczf5v6AKRyjwEUhQ==", "r7BXXKkLb8qrSNn05n0qiA==", []byte(clear)); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	const raw = `{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}`
	if got := signRawData(raw, "HyVFkGl5F5OQWJZZaNzBBg=="); got != "75e81ceda165f4ffa64f4068af58c64b8f54b88c" {
		t.Error(got)
	}
	const chinese = `{"nickName":"Xavier-Lam林","gender":1,"language":"zh_CN","city":"Ningde","province":"Fujian","country":"China","avatarUrl":"https://wx.qlogo.cn/mmopen/vi_32/vTxUxcbjcZ8t9eU6YfXBwRU89KS9uRILEDro01MTYp7UKYsyTjLFMIVhB0AlBuEvLHbhmO3OpaHw5zwlSetuLg/132"}`
	if got := signRawData(chinese, "GtYYez5b/M5HhT4L7n31gQ=="); got != "8fde625b7640734a13c071c05d792b5cef21cf89" {
		t.Error(got)
	}
}

type sessionReply struct {
	reply
	SessionKey string `json:"session_key"`
}

func sessionPath(appID, secret, code string) string {
	return "/sns/jscode2session?grant_type=authorization_code&appid=" + appID + "&secret=" + secret + "&js_code=" + code
}

// toSession exchanges the code of a wx.login.
func toSession(t testing.TB, s *Server, code string) sessionReply {
	t.Helper()
	var v sessionReply
	if err := json.Unmarshal([]byte(text(t, get(s, sessionPath(mini, miniSecret, code)))), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// decrypt opens what a mini program hands over.
func decrypt(t testing.TB, key string, e Encrypted) (v struct {
	OpenID, UnionID, NickName, AvatarURL      string
	PhoneNumber, PurePhoneNumber, CountryCode string
	Watermark                                 struct {
		Timestamp int64
		AppID     string
	}
}, ok bool,
) {
	t.Helper()
	var raw [3][]byte
	for i, part := range []string{key, e.IV, e.EncryptedData} {
		var err error
		if raw[i], err = base64.StdEncoding.DecodeString(part); err != nil {
			t.Fatal(err)
		}
	}
	block, err := aes.NewCipher(raw[0])
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, raw[1]).CryptBlocks(raw[2], raw[2])
	pad := int(raw[2][len(raw[2])-1])
	if pad < 1 || pad > 16 {
		return v, false
	}
	return v, json.Unmarshal(raw[2][:len(raw[2])-pad], &v) == nil
}

func TestCodeToSession(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	code := s.MiniProgramCode("alice", mini)
	v := toSession(t, s, code)
	if v.Errcode != 0 || v.OpenID != s.OpenID("alice", mini) || v.UnionID == nil || *v.UnionID != s.UnionID("alice", shop) || len(v.SessionKey) != 24 {
		t.Errorf("%+v", v)
	}
	if err := s.AddPerson(Person{ID: "risky", HighRisk: true}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		want int
	}{
		"used":           {sessionPath(mini, miniSecret, code), 40163},
		"unknown":        {sessionPath(mini, miniSecret, "0123"), 40029},
		"missing":        {sessionPath(mini, miniSecret, ""), 41008},
		"of the web":     {sessionPath(mini, miniSecret, s.IssueCode("alice", shop, scopeBase)), 40029},
		"of a phone":     {sessionPath(mini, miniSecret, s.PhoneCode("alice", mini)), 40029},
		"at the web":     {tokenPath(mini, miniSecret, s.MiniProgramCode("alice", mini)), 40029},
		"another app":    {sessionPath(shop, shopSecret, s.MiniProgramCode("alice", mini)), 40029},
		"wrong secret":   {sessionPath(mini, "x", s.MiniProgramCode("alice", mini)), 40125},
		"unknown app":    {sessionPath("wx0", miniSecret, s.MiniProgramCode("alice", mini)), 40013},
		"no app":         {sessionPath("", miniSecret, s.MiniProgramCode("alice", mini)), 41002},
		"a risky person": {sessionPath(mini, miniSecret, s.MiniProgramCode("risky", mini)), 40226},
	} {
		if v := call(t, s, c.path); v.Errcode != c.want {
			t.Errorf("%s: %+v", name, v)
		}
	}
	for _, c := range [][2]string{{"nobody", mini}, {"alice", shop}, {"alice", "wx0"}, {"alice", app}} {
		if s.MiniProgramCode(c[0], c[1]) != "" || s.PhoneCode(c[0], c[1]) != "" {
			t.Errorf("%q has a code", c)
		}
	}
}

// Codes live 5 minutes in a mini program and 10 in what the Open Platform has.
func TestCodeLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newPlatform(t)
		good, late := s.MiniProgramCode("alice", mini), s.MiniProgramCode("bob", mini)
		mobile, mobileLate, official := s.MobileCode("alice", app), s.MobileCode("alice", app), s.IssueCode("alice", shop, scopeBase)
		time.Sleep(5 * time.Minute)
		if v := toSession(t, s, good); v.Errcode != 0 {
			t.Errorf("%+v", v)
		}
		time.Sleep(time.Second)
		if v := toSession(t, s, late); v.Errcode != 40029 {
			t.Errorf("%+v", v)
		}
		if v := exchange(t, s, official); v.Errcode != 42003 {
			t.Errorf("%+v", v)
		}
		if v := call(t, s, tokenPath(app, appSecret, mobile)); v.Errcode != 0 || v.Scope != scopeUserInfo {
			t.Errorf("%+v", v)
		}
		time.Sleep(5 * time.Minute)
		if v := call(t, s, tokenPath(app, appSecret, mobileLate)); v.Errcode != 42003 {
			t.Errorf("%+v", v)
		}
	})
}

func TestEncryptedProfile(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	if _, err := s.EncryptedProfile("alice", mini); err == nil {
		t.Error("before any wx.login")
	}
	first := toSession(t, s, s.MiniProgramCode("alice", mini)).SessionKey
	e, err := s.EncryptedProfile("alice", mini)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := decrypt(t, first, e)
	if !ok || v.OpenID != s.OpenID("alice", mini) || v.UnionID != s.UnionID("alice", mini) || v.NickName != "爱丽丝" ||
		v.Watermark.AppID != mini || time.Since(time.Unix(v.Watermark.Timestamp, 0)) > time.Minute {
		t.Errorf("%+v, %t", v, ok)
	}
	var raw map[string]any
	if json.Unmarshal([]byte(e.RawData), &raw) != nil || raw["nickName"] != "爱丽丝" || raw["openId"] != nil || e.Signature != signRawData(e.RawData, first) {
		t.Errorf("%+v", e)
	}
	// Each wx.login has a key of its own, and the last one counts.
	second := toSession(t, s, s.MiniProgramCode("alice", mini)).SessionKey
	if again, err := s.EncryptedProfile("alice", mini); err != nil || first == second || again.Signature == e.Signature {
		t.Errorf("%+v, %v", again, err)
	} else if _, ok := decrypt(t, first, again); ok {
		t.Error("the old key opens it")
	} else if _, ok := decrypt(t, second, again); !ok {
		t.Error("the new key does not open it")
	}
	set(t, s, Quirks{AnonymousProfile: true})
	if e, err = s.EncryptedProfile("alice", mini); err != nil {
		t.Fatal(err)
	}
	if v, ok := decrypt(t, second, e); !ok || v.NickName != "微信用户" || v.AvatarURL != greyAvatar || v.OpenID == "" {
		t.Errorf("%+v, %t", v, ok)
	}
}

func TestEncryptedPhone(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	for _, p := range []Person{{ID: "zhang", Phone: "13800138000"}, {ID: "chan", Phone: "+852 51234567"}} {
		if err := s.AddPerson(p); err != nil {
			t.Fatal(err)
		}
	}
	for person, want := range map[string][3]string{"zhang": {"13800138000", "13800138000", "86"}, "chan": {"+85251234567", "51234567", "852"}} {
		key := toSession(t, s, s.MiniProgramCode(person, mini)).SessionKey
		e, err := s.EncryptedPhone(person, mini)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := decrypt(t, key, e)
		if !ok || [3]string{v.PhoneNumber, v.PurePhoneNumber, v.CountryCode} != want || v.Watermark.AppID != mini || e.RawData != "" {
			t.Errorf("%+v, %t", v, ok)
		}
	}
}

// One person has four openids and one unionid.
func TestKindsAreOnePerson(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	seen := map[string]bool{}
	for _, v := range []reply{
		exchange(t, s, s.IssueCode("alice", shop, scopeUserInfo)),
		toSession(t, s, s.MiniProgramCode("alice", mini)).reply,
		call(t, s, tokenPath(app, appSecret, s.MobileCode("alice", app))),
		call(t, s, tokenPath(site, siteSecret, s.IssueCode("alice", site, scopeLogin))),
	} {
		seen[v.OpenID] = true
		if v.UnionID == nil || *v.UnionID != s.UnionID("alice", shop) {
			t.Errorf("%+v", v)
		}
	}
	if len(seen) != 4 {
		t.Errorf("%v", seen)
	}
	for _, c := range [][2]string{{shop, scopeLogin}, {site, scopeUserInfo}, {site, scopeBase}, {app, scopeBase}, {mini, scopeMiniProgram}, {mini, scopeUserInfo}} {
		if s.IssueCode("alice", c[0], c[1]) != "" {
			t.Errorf("%q has a code", c)
		}
	}
	for _, appID := range []string{mini, app, site} {
		if page := text(t, get(s, authorizeURL(appID, callback, scopeBase, "a"))); !contains(page, "10016") {
			t.Error(page)
		}
	}
}
