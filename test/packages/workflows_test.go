package packages

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The workflows for forks are right as far as can be read: they have never run
// where these tests do. Actions of others are named by commit, with the version
// behind it, because a tag can be moved to another commit.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%q, %v", files, err)
	}
	// A program of its own: its YAML library is not that of compose.
	lint := exec.Command("go", append([]string{"run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12", "-shellcheck=", "-pyflakes="}, files...)...)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}
	uses, pinned := regexp.MustCompile(`(?m)uses: .*$`), regexp.MustCompile(`^uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range files {
		text := read(t, file)
		for _, line := range uses.FindAllString(text, -1) {
			if !pinned.MatchString(line) {
				t.Errorf("%s: %s is not pinned to a commit", filepath.Base(file), line)
			}
		}
		if !strings.Contains(text, "\npermissions:") {
			t.Errorf("%s does not say which permissions it needs", filepath.Base(file))
		}
	}
}
