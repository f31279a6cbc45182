package health_test

import "regexp"

// timeless hides what differs at each run, and the words of warnings.
func timeless(text string) string {
	text = regexp.MustCompile(`"(since|checked)":"[^"]+"`).ReplaceAllString(text, `"$1":"…"`)
	text = regexp.MustCompile(`"message":"[^"]+"`).ReplaceAllString(text, `"message":"…"`)
	return regexp.MustCompile(`"latency_ms":[0-9.e-]+`).ReplaceAllString(text, `"latency_ms":0`)
}
