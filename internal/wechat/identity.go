package wechat

import "strings"

// maxID bounds an openid or unionid, in bytes. Real ids have 28 or 29.
const maxID = 64

// parseID trims what WeChat sent as an openid or unionid (the official sample
// of a unionid has a leading blank) and reports whether it is one: 1 to 64 of
// A-Z a-z 0-9 _ and -. Identities become HTTP headers, so a CR or LF is refused
// here (attack: header splitting).
func parseID(text string) (string, bool) {
	id := strings.Trim(text, " ")
	return id, len(id) >= 1 && len(id) <= maxID && !strings.ContainsFunc(id, notIDRune)
}

// notIDRune reports whether r cannot be part of an openid, unionid or scope.
func notIDRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
		return false
	}
	return true
}
