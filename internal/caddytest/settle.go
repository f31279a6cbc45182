package caddytest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Settle waits, after a configuration was loaded in the place of another, until
// the servers of the other have closed their listeners.
//
// Caddy opens a second listener on an address (SO_REUSEPORT) before it closes
// the first, and does not wait for that. A connection that the kernel has
// queued at the first by then is reset. A browser tries again; a test that
// counts must not begin before.
func Settle(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for sharedListener(t) {
		if time.Now().After(deadline) {
			t.Fatal("caddytest: an address still has two listeners 30s after the reload")
		}
		time.Sleep(time.Millisecond)
	}
	// The connections that the old server keeps alive are about to close, too.
	http.DefaultClient.CloseIdleConnections()
}

// sharedListener says whether two sockets of this process listen at one
// address. Linux lists those of all processes in /proc/net/tcp and tcp6: the
// second column is the address, the fourth the state, the tenth the inode.
func sharedListener(t *testing.T) bool {
	t.Helper()
	const listening = "0A"
	own, seen := ownSockets(t), map[string]bool{}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		b, err := os.ReadFile(table)
		if os.IsNotExist(err) {
			continue // no IPv6, or not Linux
		}
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			columns := strings.Fields(line)
			if len(columns) < 10 || columns[3] != listening || !own[columns[9]] {
				continue
			}
			if seen[table+columns[1]] {
				return true
			}
			seen[table+columns[1]] = true
		}
	}
	return false
}

// ownSockets are the inodes of this process' sockets.
func ownSockets(t *testing.T) map[string]bool {
	t.Helper()
	const folder = "/proc/self/fd"
	files, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, file := range files {
		target, err := os.Readlink(filepath.Join(folder, file.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil { // it may be closed by now
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return own
}
