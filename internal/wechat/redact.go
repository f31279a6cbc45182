package wechat

import "strings"

// Any window of a secret, of this many bytes, is taken for the secret: WeChat may
// echo a part of it. Secrets of fewer than minSecret bytes are not looked for,
// they would tear every text apart; WeChat's have 32 and more.
const (
	secretWindow = 8
	minSecret    = 4
)

// redact replaces every piece of secrets in text, as it is, percent-encoded and
// as it stands in JSON.
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

// inJSON writes printable ASCII as post puts it between quotation marks.
var inJSON = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// addWindows adds every piece of secret that counts as the secret.
func addWindows(windows map[string]struct{}, secret string) {
	width := min(secretWindow, len(secret))
	if width < minSecret {
		return
	}
	for i := range len(secret) - width + 1 {
		windows[secret[i:i+width]] = struct{}{}
	}
}

// hide replaces each run of bytes of text that windows cover.
func hide(text string, windows map[string]struct{}) string {
	var b strings.Builder
	covered := 0 // text[:covered] is part of a secret, or behind us
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
