package ledger

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFoldNickname(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "abc": "ABC", "ABC": "ABC", "Ａｂ１！": "AB1!", "a\u3000b": "A B", "小明": "小明", "\u212a": "K", "ſ": "S", "ς": "Σ", "ß": "ß", "İ": "İ", "🐱": "🐱",
	} {
		if got := FoldNickname(in); got != want {
			t.Errorf("FoldNickname(%q) = %q, want %q", in, got, want)
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ { // equal runes have one form, which is its own form
		folded := foldRune(r)
		if again := foldRune(folded); again != folded {
			t.Fatalf("%q becomes %q, and that %q", r, folded, again)
		}
		if other := foldRune(unicode.SimpleFold(r)); other != folded && r < 0xFF00 && folded > ' ' {
			t.Fatalf("%q becomes %q, its other case %q", r, folded, other)
		}
	}
}

func FuzzNicknamePrefix(f *testing.F) {
	for _, s := range []string{"", "a", "小", "\x00", "\xff", strings.Repeat("小", 100), "Ａ"} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, prefix, rest string) {
		got, err := NicknamePrefix(prefix)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || got != "" {
				t.Fatalf("%q: %q, %v", prefix, got, err)
			}
			return
		}
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("%q becomes %q", prefix, got)
		}
		if !strings.HasPrefix(FoldNickname(prefix+rest), got) {
			t.Fatalf("%q does not find %q", prefix, prefix+rest)
		}
	})
}

func FuzzListCursor(f *testing.F) {
	f.Add("")
	f.Add("000000000001abcdefghijklmnopqrstuvwxyz")
	f.Fuzz(func(t *testing.T, s string) {
		if err := CheckListCursor(s); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if s != "" && (len(s) != secondLength+IDLength || !ValidID(ListedID(s)) || SeenAt(s).Unix() > MaxTime) {
			t.Fatalf("%q is taken for a cursor", s)
		}
	})
}
