package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// binary is a program that was built, and what Go says about it.
type binary struct {
	file    string
	version string
	time    time.Time // of the commit
}

// flags make a binary that depends on the commit and on Go alone. The version
// comes from the repository (-buildvcs).
var flags = []string{"-trimpath", "-buildvcs=true", "-ldflags=-s -w"}

// build builds the gateway. cache is a folder for Go's cache, "" for the usual
// one.
func (t *tree) build(ctx context.Context, p platform, cache string) (*binary, error) {
	file := filepath.Join(t.parent, p.system+"-"+p.processor, "wechat-gateway"+p.extension())
	args := append([]string{"build"}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "-o", file, "./cmd/wechat-gateway")...) //nolint:gosec // flags and names are those of this program
	cmd.Dir = t.folder
	cmd.Env = environment(os.Environ(), p)
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return describe(file)
}

// environment replaces each of Go's variables that changes what a build gives.
func environment(of []string, p platform) []string {
	set := []string{
		"GOOS=" + p.system, "GOARCH=" + p.processor, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off",
		"GOEXPERIMENT=", "GODEBUG=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off",
	}
	var env []string
next:
	for _, variable := range of {
		for _, ours := range set {
			if name, _, _ := strings.Cut(ours, "="); strings.HasPrefix(variable, name+"=") {
				continue next
			}
		}
		env = append(env, variable)
	}
	return append(env, set...)
}

var errNoCommit = errors.New("the binary does not know its commit")

// describe reads version and time from a binary.
func describe(file string) (*binary, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b := &binary{file: file, version: info.Main.Version}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.modified" && setting.Value != "false":
			return nil, errors.New("the checkout was changed while it was built")
		case setting.Key == "vcs.time":
			if b.time, err = time.Parse(time.RFC3339, setting.Value); err != nil {
				return nil, err
			}
		}
	}
	if b.time.IsZero() || b.version == "" || b.version == "(devel)" {
		return nil, errNoCommit
	}
	return b, nil
}

// compare builds everything again, and compares with what was built.
func (o options) compare(ctx context.Context, first *tree) error {
	second, err := checkout(ctx)
	if err != nil {
		return err
	}
	defer second.remove()
	for _, p := range o.platforms {
		b, err := second.build(ctx, p, filepath.Join(second.parent, "cache"))
		if err != nil {
			return fmt.Errorf("%s, again: %w", p, err)
		}
		one, err := sum(filepath.Join(first.parent, p.system+"-"+p.processor, filepath.Base(b.file)))
		if err != nil {
			return err
		}
		other, err := sum(b.file)
		if err != nil {
			return err
		}
		if !bytes.Equal(one, other) {
			return fmt.Errorf("%s: two builds differ: %x, %x", p, one, other)
		}
		fmt.Printf("%s: the same bytes again\n", p)
	}
	return nil
}

// sum is the SHA-256 of a file.
func sum(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return nil, err
	}
	return hash.Sum(nil), nil
}
