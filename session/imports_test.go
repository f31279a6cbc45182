package session_test

import (
	"errors"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// This package must build, and be usable, without Caddy and the rest of the
// module, but for how instances hear each other, which imports no more than
// this package may.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"github.com/gorilla/securecookie", "github.com/redis/go-redis/v9", "github.com/caddy-wechat/gateway/internal/heartbeat",
	}
	files, err := filepath.Glob("*.go")
	beneath, err2 := filepath.Glob("../internal/heartbeat/*.go")
	files, err = append(files, beneath...), errors.Join(err, err2)
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range file.Imports {
			path, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			host, _, _ := strings.Cut(path, "/")
			if strings.Contains(host, ".") && !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
