package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Archives of the same files have the same bytes, whenever and by whomever the
// files were written, and hold what a visitor of the release page expects.
func TestArchives(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 2, 9, 0, 1, 0, time.FixedZone("CST", 8*3600))
	for _, row := range []struct {
		platform platform
		want     string
		list     func(*testing.T, string) []string
	}{
		{platform{"linux", "amd64"}, "x.tar.gz", listTarball},
		{platform{"windows", "amd64"}, "x.zip", listZip},
	} {
		t.Run(row.platform.String(), func(t *testing.T) {
			t.Parallel()
			binary := "wechat-gateway" + row.platform.extension()
			var first []byte
			for i, mode := range []os.FileMode{0o600, 0o777} {
				from := t.TempDir()
				files := map[string]string{}
				for _, name := range []string{binary, "README.md"} {
					files[name] = filepath.Join(from, name)
					if err := os.WriteFile(files[name], []byte(name), mode); err != nil {
						t.Fatal(err)
					}
					if err := os.Chtimes(files[name], time.Now(), time.Now().Add(-time.Duration(i)*time.Hour)); err != nil {
						t.Fatal(err)
					}
				}
				file, err := writeArchive(t.TempDir(), "x", row.platform, at, files)
				if err != nil || filepath.Base(file) != row.want {
					t.Fatalf("writeArchive = %q, %v, want %s", file, err, row.want)
				}
				content, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if first != nil && !bytes.Equal(first, content) {
					t.Error("two archives of the same files differ")
				}
				first = content
				want := []string{"x/README.md 0644 2026-04-02T01:00:01Z", "x/" + binary + " 0755 2026-04-02T01:00:01Z"}
				if got := row.list(t, file); !slices.Equal(got, want) {
					t.Errorf("it holds %q, want %q", got, want)
				}
			}
		})
	}
}

func entry(name string, mode int64, at time.Time) string {
	return fmt.Sprintf("%s %04o %s", name, mode, at.UTC().Format(time.RFC3339))
}

func listTarball(t *testing.T, name string) (list []string) {
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unpacked); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Uname != "" {
			t.Errorf("%s has the owner %d %q", header.Name, header.Uid, header.Uname)
		}
		list = append(list, entry(header.Name, header.Mode, header.ModTime))
	}
}

func listZip(t *testing.T, name string) (list []string) {
	r, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, file := range r.File {
		list = append(list, entry(file.Name, int64(file.Mode().Perm()), file.Modified))
	}
	return list
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	got, err := parsePlatforms("linux/amd64,windows/arm64")
	if err != nil || !slices.Equal(got, []platform{{"linux", "amd64"}, {"windows", "arm64"}}) {
		t.Errorf("parsePlatforms = %v, %v", got, err)
	}
	for _, list := range []string{"", "linux", "linux/", "/amd64", "linux/amd64,", "../x/amd64", "linux/amd64 darwin/arm64"} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			if got, err := parsePlatforms(list); !errors.Is(err, errPlatform) {
				t.Errorf("parsePlatforms = %v, %v", got, err)
			}
		})
	}
}

// Nothing that a machine's environment says about Go reaches a release.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	got := environment([]string{"PATH=/bin", "GOFLAGS=-tags=mine", "CGO_ENABLED=1", "GOAMD64=v4", "GOPROXY=https://goproxy.cn", "GOOSE=x"}, platform{"darwin", "arm64"})
	for _, want := range []string{"PATH=/bin", "GOPROXY=https://goproxy.cn", "GOOSE=x", "GOFLAGS=", "CGO_ENABLED=0", "GOAMD64=v1", "GOOS=darwin", "GOARCH=arm64"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %q", want, got)
		}
	}
	names := make(map[string]bool)
	for _, variable := range got {
		name, _, _ := strings.Cut(variable, "=")
		if names[name] {
			t.Errorf("%s is set twice", name)
		}
		names[name] = true
	}
}

// A release is of a commit with a tag that is a version.
func TestRequireTag(t *testing.T) {
	repository := t.TempDir()
	t.Chdir(repository)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "--quiet")
	git("commit", "--quiet", "--allow-empty", "-m", "one")
	git("tag", "before")
	if err := requireTag(t.Context()); !errors.Is(err, errNoTag) {
		t.Errorf("no tag: %v", err)
	}
	git("tag", "v1.2.3-rc.1")
	if err := requireTag(t.Context()); err != nil {
		t.Errorf("a tag: %v", err)
	}
	git("commit", "--quiet", "--allow-empty", "-m", "two")
	if err := requireTag(t.Context()); !errors.Is(err, errNoTag) {
		t.Errorf("a commit behind the tag: %v", err)
	}
}

// What has been released is not written over.
func TestFolderWithFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (options{out: folder, snapshot: true}).run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("run = %v", err)
	}
	if err := (options{out: t.TempDir()}).run(t.Context(), []string{"v1.2.3"}); err == nil || !strings.Contains(err.Error(), "unknown argument") {
		t.Errorf("run = %v", err)
	}
}

// The checksums are in the form that sha256sum -c reads.
func TestSums(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a b"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeSums(folder); err != nil {
		t.Fatal(err)
	}
	check := exec.Command("sha256sum", "-c", "--strict", sumsFile)
	check.Dir = folder
	if out, err := check.CombinedOutput(); err != nil || string(out) != "a b: OK\n" {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}
