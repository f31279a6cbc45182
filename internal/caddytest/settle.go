package caddytest

import (
	"net/http"
	"os"
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

// sharedListener says whether two sockets listen at one address. Linux lists
// them in /proc/net/tcp and tcp6: the second column is the address, the fourth
// the state.
func sharedListener(t *testing.T) bool {
	t.Helper()
	const listening = "0A"
	seen := map[string]bool{}
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
			if len(columns) < 4 || columns[3] != listening {
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
