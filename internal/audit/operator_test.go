package audit

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClaimedOperator(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                       "",
		"ming":                   "claimed:ming",
		`SHOP\小明`:                `claimed:SHOP\小明`,
		"root (sudo: ming)":      "claimed:root (sudo: ming)",
		"a\r\naction=erase":      "claimed:a??action=erase",
		"\x1b[2J\u202e":          "claimed:?[2J?",
		"a\xff":                  "claimed:a\ufffd",
		"claimed:root":           "claimed:claimed:root",
		strings.Repeat("明", 500): "claimed:" + strings.Repeat("明", 64),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ClaimedOperator(name); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// Attack: log injection by a claimed name.
func FuzzClaimedOperator(f *testing.F) {
	f.Add("ming")
	f.Add("a\r\n\x1b\u202e\xff")
	f.Fuzz(func(t *testing.T, name string) {
		got := ClaimedOperator(name)
		if (got == "") != (name == "") || utf8.RuneCountInString(got) > 64+len("claimed:") || !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q has control characters", got)
		}
	})
}
