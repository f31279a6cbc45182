package wechat

import "time"

// MiniProfile is a visitor's profile in an Envelope of wx.getUserInfo or
// wx.getUserProfile. Fields are as in UserInfo. Since October 2022 WeChat
// returns the name 微信用户 and a grey avatar for every visitor; both are replaced
// by "".
type MiniProfile struct {
	OpenID, UnionID     string
	Nickname, AvatarURL string
}

// Profile opens the envelope. Its errors are those of an Envelope.
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
		// A changed first block could name another visitor (attack:
		// malleability of CBC, because the visitor chooses the iv).
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
