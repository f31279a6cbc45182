package ledger

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a profile, in bytes. A longer nickname is cut, a longer avatar
// address is dropped.
const (
	maxNickname = 256
	maxAvatar   = 2048
)

// placeholder is the nickname that WeChat sends instead of a real one, with a
// grey avatar (wechat-protocol D2.4).
const placeholder = "微信用户"

// Profile is WeChat's data about a consenting person. Both fields are text that
// a stranger chose.
type Profile struct {
	Nickname, AvatarURL string
}

// clean returns a copy that is safe to store: valid UTF-8 without control
// characters, an avatar only if it is a web address, both of limited length. It
// returns nil if nothing is left.
func (p *Profile) clean() *Profile {
	if p == nil {
		return nil
	}
	c := &Profile{Nickname: cleanNickname(p.Nickname), AvatarURL: p.AvatarURL}
	if !webAddress(c.AvatarURL) {
		c.AvatarURL = ""
	}
	if *c == (Profile{}) {
		return nil
	}
	return c
}

func cleanNickname(s string) string {
	s = s[:min(len(s), 4*maxNickname)] // limits the work before the text is looked at
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError { // CR, LF and the like would split headers and log lines
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > maxNickname {
		s = s[:maxNickname]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s = strings.TrimSpace(s)
	}
	return s
}

// webAddress keeps "javascript:" and similar addresses away from every page
// that will show the avatar.
func webAddress(s string) bool {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || len(s) > maxAvatar {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>\`+"`", r) })
}

// good reports whether a nickname is a real one.
func good(nickname string) bool { return nickname != "" && nickname != placeholder }

// take adds a cleaned profile to the person and reports whether that changed
// anything but ProfileAt. A placeholder never overwrites a good profile, nor an
// older profile a newer one.
func (p *Person) take(in *Profile, at time.Time) bool {
	if in == nil {
		return false
	}
	next := *in
	if good(p.Nickname) && (!good(in.Nickname) || at.Before(p.ProfileAt)) {
		return false
	}
	if !good(in.Nickname) { // no real nickname on either side: keep the existing parts
		if next.Nickname == "" {
			next.Nickname = p.Nickname
		}
		if next.AvatarURL == "" {
			next.AvatarURL = p.AvatarURL
		}
	}
	changed := next != Profile{p.Nickname, p.AvatarURL}
	p.Nickname, p.AvatarURL = next.Nickname, next.AvatarURL
	p.ProfileAt = later(p.ProfileAt, at)
	return changed
}

// betterProfile reports whether q's profile replaces p's when the two are
// merged: good beats placeholder, then newer beats older.
func (p *Person) betterProfile(q *Person) bool {
	if good(p.Nickname) != good(q.Nickname) {
		return good(q.Nickname)
	}
	return q.ProfileAt.After(p.ProfileAt)
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
