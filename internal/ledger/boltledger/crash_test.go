package boltledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// crashEnv makes the test binary a child that writes until it is killed.
const crashEnv = "LEDGER_CRASH_TEST_FILE"

func crashChild(path string) {
	b, err := Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ledgertest.CrowdForEver(b)
}

// TestCrash kills the process in the middle of its writes, several times over
// one file. The file must open, must not contradict itself, and must hold every
// sign-in that was reported as kept.
func TestCrash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	var kept []string
	for round := range 6 {
		kept = append(kept, runUntilKilled(t, path, time.Duration(20+rand.IntN(150))*time.Millisecond)...)
		b := testBolt(t, path)
		if err := b.Check(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		p, err := posted(b, "crm")
		if err != nil {
			t.Fatal(err)
		}
		ledgertest.AllTold(t, b, p, kept, round+1)
		for _, line := range kept {
			f := strings.Split(line, ",")
			p, err := b.FindOpenID(t.Context(), f[0], f[1])
			if err != nil || f[2] != "" && p.UnionID != f[2] {
				t.Fatalf("round %d: the sign-in %q is gone: %+v, %v", round, line, p, err)
			}
			if q, err := b.Find(t.Context(), f[3]); err != nil || q.ID != p.ID {
				t.Fatalf("round %d: the id in %q leads to %s, %v, want %s", round, line, q.ID, err, p.ID)
			}
		}
		b.Close()
	}
	t.Logf("%d sign-ins kept", len(kept))
}

// runUntilKilled starts the child, kills it some time after its first sign-in,
// and returns what it reported.
func runUntilKilled(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if err != nil { // the last line may be cut off
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		if lines = append(lines, strings.TrimSuffix(line, "\n")); len(lines) == 1 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || len(lines) == 0 {
		t.Fatalf("the child was not killed at work: %v, %d lines", err, len(lines))
	}
	return lines
}
