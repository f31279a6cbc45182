//go:build linux

package boltledger

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// A disk that refuses writes is found, and so is its recovery. What was written
// before is still read.
func TestReadableAndWritable(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	want := func(when string, readable, writable bool) {
		t.Helper()
		for name, test := range map[string]struct {
			err error
			ok  bool
		}{"Readable": {b.Readable(t.Context()), readable}, "Writable": {b.Writable(t.Context()), writable}} {
			if (test.err == nil) != test.ok || test.err != nil && !errors.Is(test.err, ledger.ErrUnavailable) {
				t.Errorf("%s, %s: %v", when, name, test.err)
			}
		}
	}
	want("new", true, true)
	fd := descriptor(t, path)
	kept, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	become(t, fd, int(readOnly.Fd()))
	want("a disk that refuses writes", true, false)
	become(t, fd, kept)
	if err := syscall.Close(kept); err != nil {
		t.Fatal(err)
	}
	want("a disk that takes them again", true, true)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	want("closed", false, false)
}

// descriptor finds the number by which this process holds a file.
func descriptor(t *testing.T, path string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && target == path {
			fd, err := strconv.Atoi(entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			return fd
		}
	}
	t.Fatal(fmt.Errorf("%s is not open", path))
	return 0
}

// become makes fd the same as another descriptor.
func become(t *testing.T, fd, other int) {
	t.Helper()
	if err := syscall.Dup3(other, fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}
