package packages

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Docker's own parser reads the Dockerfile without a warning, each file that it
// copies is there, it has the two targets, and Go is the one of go.mod.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	result, err := parser.Parse(strings.NewReader(read(t, root, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range result.Warnings {
		t.Errorf("warning: %s", warning.Short)
	}
	stages, arguments, err := instructions.Parse(result.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, stage := range stages {
		names = append(names, stage.Name)
		for _, command := range stage.Commands {
			copied, ok := command.(*instructions.CopyCommand)
			if !ok || copied.From != "" {
				continue
			}
			for _, source := range copied.SourcePaths {
				if strings.Contains(source, "$") {
					continue // an argument
				}
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if want := []string{"build", "base", "from-binary", ""}; !slices.Equal(names, want) {
		t.Errorf("stages %q, want %q", names, want)
	}
	if base := stages[len(stages)-1].BaseName; base != "base" || stages[1].BaseName != "scratch" {
		t.Errorf("the image begins with %q, that with %q", base, stages[1].BaseName)
	}
	module, err := exec.Command("go", "list", "-C", root, "-m", "-f", "{{.GoVersion}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	minor := strings.Join(strings.Split(strings.TrimSpace(string(module)), ".")[:2], ".")
	if image := *arguments[0].Args[0].Value; image != "golang:"+minor+"-bookworm" {
		t.Errorf("the image for building is %s, go.mod asks for Go %s", image, minor)
	}
}

// What .dockerignore lets through is enough to build, and has no secret and no
// test. buildah reads it.
func TestBuildContext(t *testing.T) {
	installed(t, "buildah", "buildah")
	if _, err := buildImage(); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(scratch, "context"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secrets/wechat_app_secret", ".env", ".git/config", "dist/x/wechat-gateway", "Caddyfile", "webapps/ROOT.war"} {
		write(t, filepath.Join(folder, name), "x", 0)
	}
	write(t, filepath.Join(folder, "all"), "FROM scratch\nCOPY . /\n", 0)
	b := builder{filepath.Join(scratch, "storage")}
	if _, err := b.do("build", "--isolation", "chroot", "--file", filepath.Join(folder, "all"), "--tag", "context", folder); err != nil {
		t.Fatal(err)
	}
	container, err := b.do("from", "--pull-never", "context")
	if err != nil {
		t.Fatal(err)
	}
	mounted, err := b.do("mount", container)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(map[string]bool)
	err = filepath.WalkDir(mounted, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			sent[strings.TrimPrefix(name, mounted+"/")] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range needed(t) {
		if !sent[name] {
			t.Errorf("the build needs %s, and does not get it", name)
		}
	}
	for name := range sent {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata") || strings.HasPrefix(name, "test/") {
			t.Errorf("the build gets the test %s", name)
		}
	}
	for _, name := range []string{"secrets/wechat_app_secret", ".env", ".git/config", "Caddyfile", "webapps/ROOT.war", "README.md", "all"} {
		if sent[name] {
			t.Errorf("the build gets %s", name)
		}
	}
	if !sent["dist/x/wechat-gateway"] || !sent["wechat-gateway"] {
		t.Error("the build does not get a binary that is there already")
	}
}

// needed lists the files of the repository that go build reads.
func needed(t *testing.T) []string {
	t.Helper()
	list := exec.Command("go", "list", "-C", root, "-deps", "-json=Dir,GoFiles,EmbedFiles,Standard,Module", "./cmd/wechat-gateway")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"go.mod", "go.sum", "LICENSE", "docs/deploy/docker/data/README.txt", "docs/deploy/docker/config/README.txt"}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var room struct {
			Dir                 string
			GoFiles, EmbedFiles []string
			Module              *struct{ Main bool }
		}
		if err := decoder.Decode(&room); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if room.Module == nil || !room.Module.Main {
			continue
		}
		for _, file := range slices.Concat(room.GoFiles, room.EmbedFiles) {
			name, err := filepath.Rel(top, filepath.Join(room.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, name)
		}
	}
	if len(files) < 200 {
		t.Fatalf("only %d files are needed", len(files))
	}
	return files
}
