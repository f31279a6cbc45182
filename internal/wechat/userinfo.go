package wechat

import (
	"net/url"
	"strings"
)

// Limits of a profile.
const (
	maxNickname  = 64   // runes
	maxAvatarURL = 1024 // bytes
)

// placeholderName is the nickname that WeChat returns, with a grey avatar,
// instead of a real one (wechat-protocol D2.4).
const placeholderName = "微信用户"

// UserInfo is a visitor's profile (wechat-protocol A4.3). Sex and place, which
// WeChat has not returned since 2021, are not read.
type UserInfo struct {
	OpenID, UnionID string // as in Token
	Nickname        string // after CleanNickname; may be empty or 微信用户, which is not a name
	AvatarURL       string // http or https, at most 1024 bytes, or ""; invalid after the visitor changes the picture
}

// parseUserInfo reads a successful userinfo answer.
func parseUserInfo(r reply) (UserInfo, error) {
	openID, unionID, err := r.identity()
	if err != nil {
		return UserInfo{}, err
	}
	nickname, _ := r.text("nickname")
	avatar, _ := r.text("headimgurl")
	return UserInfo{
		OpenID:    openID,
		UnionID:   unionID,
		Nickname:  CleanNickname(nickname),
		AvatarURL: cleanAvatarURL(avatar),
	}, nil
}

// CleanNickname returns nickname as valid UTF-8 of at most 64 runes, without
// control characters, line separators, marks that change the direction of
// writing, and surrounding spaces. Emoji stay.
func CleanNickname(nickname string) string { return plainText(nickname, maxNickname) }

// cleanAvatarURL returns address if it is a plain http or https URL, else "".
// Old apps put it into their pages: javascript: addresses and characters that
// end an HTML attribute are refused (attack: stored XSS).
func cleanAvatarURL(address string) string {
	if len(address) > maxAvatarURL || strings.ContainsFunc(address, notURLRune) {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return address
}

// notURLRune reports whether r cannot be part of an encoded URL, or ends an
// HTML attribute.
func notURLRune(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'<>\\^`{|}", r)
}
