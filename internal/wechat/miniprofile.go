package wechat

import "time"

// MiniProfile is what an Envelope of wx.getUserInfo or wx.getUserProfile says of
// a visitor. Fields are as in UserInfo. Since October 2022 WeChat gives every
// visitor the name 微信用户 and a grey avatar: that is no profile, both are "".
type MiniProfile struct {
	OpenID, UnionID     string
	Nickname, AvatarURL string
}

// Profile opens the envelope. Errors are ErrRelogin and those beside it; nothing is
// returned with an error.
func (e Envelope) Profile(now time.Time) (MiniProfile, error) {
	r, err := e.open(now)
	if err != nil {
		return MiniProfile{}, err
	}
	return e.parseProfile(r)
}

// parseProfile reads the text of a profile.
func (e Envelope) parseProfile(r reply) (MiniProfile, error) {
	openID, ok := r.id("openId")
	if !ok || openID == "" {
		return MiniProfile{}, errDecrypt
	}
	unionID, ok := r.id("unionId")
	switch {
	case !ok:
		return MiniProfile{}, errDecrypt
	case openID != e.OpenID:
		// A bent first block would make one visitor another (malleability of
		// CBC: the iv is the visitor's to choose).
		return MiniProfile{}, ErrForeignPerson
	}
	profile := MiniProfile{OpenID: openID, UnionID: unionID}
	nickname, _ := r.text("nickName")
	avatar, _ := r.text("avatarUrl")
	if nickname = CleanNickname(nickname); nickname != placeholderName {
		profile.Nickname, profile.AvatarURL = nickname, cleanAvatarURL(avatar)
	}
	return profile, nil
}
