package wechattest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// greyAvatar is the avatar of every person since 2022, with the nickname 微信用户.
const greyAvatar = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132"

// Encrypted is what a mini program sends to its server. The field names are
// WeChat's.
type Encrypted struct {
	RawData       string `json:"rawData,omitempty"`   // "" for a phone number
	Signature     string `json:"signature,omitempty"` // of RawData
	EncryptedData string `json:"encryptedData"`
	IV            string `json:"iv"`
}

// MiniProgramCode is wx.login: it returns a code for jscode2session and makes a
// new session_key that replaces the previous one (wechat-protocol D1.1). It
// returns "" for an unknown person or account, a closed one, and an account
// that is not a mini program.
func (s *Server) MiniProgramCode(personID, appID string) string {
	if _, err := s.inside(personID, appID, MiniProgram); err != nil {
		return ""
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	sessionKey := base64.StdEncoding.EncodeToString(key[:])
	s.vault.mu.Lock()
	s.vault.sessionKeys.put(pair{personID, appID}.key(), sessionKey)
	s.vault.issued.put(sessionKey, struct{}{})
	s.vault.mu.Unlock()
	return s.newCode(grant{person: personID, appID: appID, scope: scopeMiniProgram, sessionKey: sessionKey})
}

// PhoneCode is a tap on the button getPhoneNumber: a code for
// getuserphonenumber, 5 minutes, once (wechat-protocol D2.5). "" as with
// MiniProgramCode.
func (s *Server) PhoneCode(personID, appID string) string {
	if _, err := s.inside(personID, appID, MiniProgram); err != nil {
		return ""
	}
	return s.newCode(grant{person: personID, appID: appID, scope: scopePhone})
}

// MobileCode is SendAuth in an app, allowed: a code for
// /sns/oauth2/access_token, 10 minutes, once (C). "" as with MiniProgramCode.
func (s *Server) MobileCode(personID, appID string) string {
	if _, err := s.inside(personID, appID, MobileApp); err != nil {
		return ""
	}
	s.SetConsent(personID, appID, true)
	return s.newCode(grant{person: personID, appID: appID, scope: scopeUserInfo})
}

// inside returns the person who uses an app. Errors: ErrUnknown, also for an
// account of another kind and for a closed WeChat account.
func (s *Server) inside(personID, appID string, kind Kind) (Person, error) {
	p, known := s.roster.person(personID)
	a, ok := s.roster.account(appID)
	switch {
	case !known || p.Closed:
		return p, fmt.Errorf("%w: person %.64q", ErrUnknown, personID)
	case !ok || a.Kind != kind:
		return p, fmt.Errorf("%w: %s %.64q", ErrUnknown, kind, appID)
	}
	return p, nil
}

// EncryptedProfile is wx.getUserProfile: encrypted with the session_key of the
// last wx.login. Errors: ErrUnknown, also before the first wx.login.
//
// An avatar served by the simulator has an address without a host here.
func (s *Server) EncryptedProfile(personID, appID string) (Encrypted, error) {
	return s.encryptedProfile(personID, appID, func(avatar string) string { return avatar })
}

func (s *Server) encryptedProfile(personID, appID string, complete func(string) string) (Encrypted, error) {
	p, err := s.inside(personID, appID, MiniProgram)
	if err != nil {
		return Encrypted{}, err
	}
	nickname, avatar := p.Nickname, complete(p.AvatarURL)
	if s.quirks.copy().AnonymousProfile {
		nickname, avatar = cleanNickname, greyAvatar
	}
	open := []field{
		{"nickName", nickname}, {"gender", 0}, {"language", "zh_CN"}, {"city", ""}, {"province", ""}, {"country", ""}, {"avatarUrl", avatar},
	}
	hidden := append([]field{{"openId", s.OpenID(personID, appID)}}, open...)
	if union := s.UnionID(personID, appID); union != "" {
		hidden = append(hidden, field{"unionId", union})
	}
	e, key, err := s.encrypt(personID, appID, append(hidden, watermark(appID)))
	if err != nil {
		return Encrypted{}, err
	}
	e.RawData = string(style{}.write(open))
	e.Signature = signRawData(e.RawData, key)
	return e, nil
}

// EncryptedPhone is the encrypted phone number of older WeChat versions. Errors
// as EncryptedProfile.
func (s *Server) EncryptedPhone(personID, appID string) (Encrypted, error) {
	p, err := s.inside(personID, appID, MiniProgram)
	if err != nil {
		return Encrypted{}, err
	}
	full, pure, country := p.phoneNumber()
	e, _, err := s.encrypt(personID, appID, []field{
		{"phoneNumber", full}, {"purePhoneNumber", pure}, {"countryCode", country}, watermark(appID),
	})
	return e, err
}

// phoneNumber returns a person's phone number. A number of another country
// contains the country code.
func (p Person) phoneNumber() (full, pure, country string) {
	phone := p.Phone
	if phone == "" {
		sum := sha256.Sum256([]byte("phone\x00" + p.ID))
		phone = "199"
		for _, c := range sum[:8] {
			phone += string('0' + rune(c%10))
		}
	}
	country, pure, foreign := strings.Cut(strings.TrimPrefix(phone, "+"), " ")
	if !foreign {
		country, pure = "86", strings.TrimPrefix(phone, "+")
	}
	full = pure
	if country != "86" {
		full = "+" + country + pure
	}
	return full, pure, country
}

func watermark(appID string) field {
	return field{"watermark", []field{{"timestamp", int(time.Now().Unix())}, {"appid", appID}}}
}

// codeToSession exchanges the code of a wx.login (wechat-protocol D1).
func (s *Server) codeToSession(_ *http.Request, query url.Values) answer {
	account, errcode := s.credential(AtSession, query, "authorization_code", true)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	code := query.Get("js_code")
	if code == "" {
		return failed(account.AppID, 41008)
	}
	g, errcode := s.vault.spend(code, account.AppID, onLogin)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	if person, _ := s.roster.person(g.person); person.HighRisk {
		return failed(account.AppID, 40226)
	}
	s.meet(g.person, g.appID)
	fields := []field{{"session_key", g.sessionKey}, {"openid", s.OpenID(g.person, g.appID)}}
	if union := s.UnionID(g.person, g.appID); union != "" {
		fields = append(fields, field{"unionid", union})
	}
	return answer{appID: account.AppID, fields: fields}
}
