package wechat

import "strings"

// Any part of a secret with this many bytes counts as the secret, because
// WeChat may echo a part of it. Secrets shorter than minSecret bytes are not
// searched for, because they would match everywhere; WeChat's have 32 bytes or
// more.
const (
	secretWindow = 8
	minSecret    = 4
)

// redact replaces every part of secrets in text: as it is, percent-encoded, and
// escaped as in JSON.
func redact(text string, secrets []Secret) string {
	windows := map[string]struct{}{}
	for _, secret := range secrets {
		addWindows(windows, secret.Reveal())
		addWindows(windows, escape(secret.Reveal()))
		addWindows(windows, inJSON.Replace(secret.Reveal()))
	}
	if len(windows) == 0 {
		return text
	}
	return hide(text, windows)
}

// inJSON escapes printable ASCII as post does in JSON strings.
var inJSON = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// addWindows adds every part of secret that counts as the secret.
func addWindows(windows map[string]struct{}, secret string) {
	width := min(secretWindow, len(secret))
	if width < minSecret {
		return
	}
	for i := range len(secret) - width + 1 {
		windows[secret[i:i+width]] = struct{}{}
	}
}

// hide replaces each run of bytes in text that windows cover.
func hide(text string, windows map[string]struct{}) string {
	var b strings.Builder
	covered := 0 // text[:covered] is part of a secret, or already written
	for i := range len(text) {
		for width := minSecret; width <= min(secretWindow, len(text)-i); width++ {
			if _, ok := windows[text[i:i+width]]; !ok {
				continue
			}
			if i >= covered {
				b.WriteString(redacted)
			}
			covered = max(covered, i+width)
		}
		if i >= covered {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
