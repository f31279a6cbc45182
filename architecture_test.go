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
// read in twelve of them.
func TestArchitectureIsTrue(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
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
	rooms, err := exec.Command("go", "list", "./session/...", "./internal/...", "./caddymodule/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	named := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n`,.", r) })
	for room := range strings.FieldsSeq(string(rooms)) {
		room = strings.TrimPrefix(room, "github.com/caddy-wechat/gateway/")
		if !slices.Contains(named, room) && !slices.Contains(named, strings.TrimPrefix(room, "internal/")) {
			t.Errorf("the room %s is not named", room)
		}
	}
	_, signIn, _ := strings.Cut(text, "\n## One sign-in\n")
	signIn, _, _ = strings.Cut(signIn, "\n## ")
	if steps := len(regexp.MustCompile(`(?m)^\d+\. `).FindAllString(signIn, -1)); steps == 0 || steps > 12 {
		t.Errorf("a sign-in is read in %d files, want at most 12", steps)
	}
}
