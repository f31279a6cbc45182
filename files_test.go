package gateway_test

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// test/all.sh runs the tests over https, which it knows by their names, without
// the race detector, and those of package test alone: a test of another room
// with such a name would never run.
func TestNamesOverHTTPSAreOfTheRoomTest(t *testing.T) {
	t.Parallel()
	https := regexp.MustCompile(`(?m)^https='\^(.*)'$`).FindSubmatch(readFile(t, "test/all.sh"))
	if https == nil {
		t.Fatal("test/all.sh does not say which tests are over https")
	}
	tests, over := regexp.MustCompile(`(?m)^func Test\w+\(t `), regexp.MustCompile(`(?m)^func (`+string(https[1])+`\w*)`)
	found := 0
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (file == "test" || strings.HasPrefix(file, ".") && file != "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text := readFile(t, file)
		found += len(tests.FindAll(text, -1))
		for _, name := range over.FindAllSubmatch(text, -1) {
			t.Errorf("%s: %s has a name of those over https: nobody would run it", file, name[1])
		}
		return nil
	})
	if err != nil || found < 1000 {
		t.Errorf("%d tests were read: %v", found, err)
	}
}

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
