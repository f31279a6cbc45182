package gateway_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ARCHITECTURE.md names every room, files that exist, and a sign-in that is
// read in twelve of them. The Chinese document does, too.
func TestArchitectureIsTrue(t *testing.T) {
	t.Parallel()
	list, err := exec.Command("go", "list", "./session/...", "./internal/...", "./caddymodule/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	rooms := strings.Fields(strings.ReplaceAll(string(list), "github.com/caddy-wechat/gateway/", ""))
	for document, signIn := range map[string]string{"ARCHITECTURE.md": "One sign-in", "ARCHITECTURE.zh-CN.md": "一次登录"} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			architecture(t, document, signIn, rooms)
		})
	}
}

// architecture examines one document, whose section of that title is about a
// sign-in.
func architecture(t *testing.T, document, title string, rooms []string) {
	text := string(readFile(t, document))
	files := 0
	for _, m := range regexp.MustCompile("`([a-zA-Z./-]+\\.(?:go|md|example))`").FindAllStringSubmatch(text, -1) {
		if name := m[1]; name != "doc.go" {
			files++
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if files < 40 {
		t.Errorf("only %d files are named", files)
	}
	named := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n`,.、", r) })
	for _, room := range rooms {
		if !slices.Contains(named, room) && !slices.Contains(named, strings.TrimPrefix(room, "internal/")) {
			t.Errorf("the room %s is not named", room)
		}
	}
	_, signIn, _ := strings.Cut(text, "\n## "+title+"\n")
	signIn, _, _ = strings.Cut(signIn, "\n## ")
	if steps := len(regexp.MustCompile(`(?m)^\d+\. `).FindAllString(signIn, -1)); steps == 0 || steps > 12 {
		t.Errorf("a sign-in is read in %d files, want at most 12", steps)
	}
}
