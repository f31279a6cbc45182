package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// tree is the commit HEAD, checked out into a folder of its own: files that are
// not committed have no part in a release.
type tree struct {
	folder string // of the files
	parent string // has folder, and the binaries beside it
}

// checkout clones the repository without copying what it holds. Go finds the
// version in the folder .git of a clone; a worktree has none.
func checkout(ctx context.Context) (t *tree, err error) {
	parent, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, err
	}
	t = &tree{folder: filepath.Join(parent, "tree"), parent: parent}
	defer func() {
		if err != nil {
			t.remove()
		}
	}()
	var where [2]string // the repository, the commit
	for i, question := range [][]string{{"--path-format=absolute", "--git-common-dir"}, {"HEAD"}} {
		answer, err := output(ctx, "git", append([]string{"rev-parse"}, question...)...)
		if err != nil {
			return nil, err
		}
		where[i] = strings.TrimSpace(answer)
	}
	for _, args := range [][]string{
		{"clone", "--quiet", "--shared", "--no-checkout", where[0], t.folder},
		{"-C", t.folder, "fetch", "--quiet", where[0], "+refs/tags/*:refs/tags/*"},
		{"-C", t.folder, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", where[1]},
	} {
		if _, err := output(ctx, "git", args...); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// remove removes the checkout and the binaries.
func (t *tree) remove() {
	if err := os.RemoveAll(t.parent); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
	}
}

// contents are the files of an archive, by their names in it.
func (t *tree) contents(binary string, p platform) map[string]string {
	files := map[string]string{"wechat-gateway" + p.extension(): binary}
	for _, name := range []string{"LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "Caddyfile.example"} {
		files[name] = filepath.Join(t.folder, name)
	}
	if p.system == "linux" {
		files["wechat-gateway.service"] = filepath.Join(t.folder, "docs/deploy/systemd/wechat-gateway.service")
	}
	return files
}

// extension is that of a program's file.
func (p platform) extension() string {
	if p.system == "windows" {
		return ".exe"
	}
	return ""
}

var (
	versionTag = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	errNoTag   = errors.New("HEAD has no tag such as v1.2.3; to try it without one, add --snapshot")
)

// requireTag reports whether HEAD is a version.
func requireTag(ctx context.Context) error {
	tags, err := output(ctx, "git", "tag", "--points-at", "HEAD")
	if err != nil {
		return err
	}
	for tag := range strings.FieldsSeq(tags) {
		if versionTag.MatchString(tag) {
			return nil
		}
	}
	return errNoTag
}

// output runs a program and returns what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output() //nolint:gosec // names and arguments are those of this program
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}
