package redistest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// childVar is set in test processes that other tests start.
const childVar = "REDISTEST_CHILD"

// TestChild is the test of such a process: it starts a server and tells its
// number. Elsewhere it has nothing to do.
func TestChild(t *testing.T) {
	t.Parallel()
	if os.Getenv(childVar) == "" {
		return
	}
	s := redistest.Standalone(t, redistest.Options{})
	fmt.Printf("server %d\n", s.PID())
	time.Sleep(time.Minute)
}

func child(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(append(os.Environ(), childVar+"=1", "TMPDIR="+t.TempDir()), env...)
	return cmd
}

// A test binary that is killed (a timeout, an impatient developer) leaves no
// server behind.
func TestServersDieWithTheTest(t *testing.T) {
	t.Parallel()
	cmd := child(t)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := ""
	for lines := bufio.NewScanner(out); pid == "" && lines.Scan(); {
		pid, _ = strings.CutPrefix(lines.Text(), "server ")
		if strings.Trim(pid, "0123456789") != "" {
			pid = ""
		}
	}
	if pid == "" || !alive(pid) {
		t.Fatalf("no server %q", pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the server dies", func() error {
		if alive(pid) {
			return fmt.Errorf("%s lives", pid)
		}
		return nil
	})
}

func TestMissingRedisFails(t *testing.T) {
	t.Parallel()
	out, err := child(t, "PATH="+t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "run ./test/all.sh, or: apt-get install redis-server") {
		t.Fatalf("%v\n%s", err, out)
	}
}
