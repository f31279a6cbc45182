package gateway_test

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A file holds one noun, and a reader takes it in at once: at most 250 lines,
// tests and rooms that only tests import left out.
func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	const most = 250
	files := 0
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(file, ".") && file != "." || strings.HasSuffix(file, "test")):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		files++
		if lines := bytes.Count(readFile(t, file), []byte("\n")); lines > most {
			t.Errorf("%s has %d lines, want at most %d", file, lines, most)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files were read: %v", files, err)
	}
}
