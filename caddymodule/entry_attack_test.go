package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Attack: the file of `deny` has grown longer than Caddy reads, and who stands
// behind the cut enters.
func TestAttackLongListIsCut(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	number := 0
	for ; list.Len()+29 <= maxIDFile; number++ {
		fmt.Fprintf(&list, "o%027d\n", number)
	}
	whole, longer := list.String(), list.String()+strings.Repeat("\n", 100)+"oLast0000000000000000000000\n"
	for _, c := range []struct {
		name, text, value string
		want              int // 0 for an error
	}{
		{"as long as Caddy reads", whole, "{file.%s}", number},
		{"longer", longer, "{file.%s}", 0},
		{"longer, beside another value", longer, "o0123456789abcdef0123456789 {file.%s}", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ids")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			ids, err := expandIDs("deny", []string{fmt.Sprintf(c.value, file)})
			switch {
			case c.want > 0 && (err != nil || len(ids) != c.want):
				t.Errorf("%d ids, %v, want %d", len(ids), err, c.want)
			case c.want == 0 && (err == nil || !strings.Contains(err.Error(), "split it into several files")):
				t.Errorf("%d ids, %v, want an error", len(ids), err)
			case err != nil && strings.Contains(err.Error(), "oLast"):
				t.Errorf("the error repeats ids: %v", err)
			}
		})
	}
}
