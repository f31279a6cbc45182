//go:build linux

package command

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddy-wechat/gateway/caddymodule"
	"github.com/caddy-wechat/gateway/caddymodule/command/console"
)

// listenAsNobody is the variable that makes the test binary the program of
// another user: it says where to listen.
const listenAsNobody = "WECHAT_TEST_LISTEN_AS_NOBODY"

// Attack: the server is stopped, another user of the machine listens at its
// admin endpoint, and says by its "running configuration" which files the
// doctor reads with the rights of root, and to which server it sends them.
func TestAttackConfigurationOfAnotherUser(t *testing.T) {
	if at := os.Getenv(listenAsNobody); at != "" {
		serveForeignConfig(at)
		return
	}
	folder := nobodysFolder(t)
	for _, at := range []string{"tcp/127.0.0.1:0", "tcp/[::1]:0", "unix/" + filepath.Join(folder, "admin.sock")} {
		t.Run(at, func(t *testing.T) {
			o := endpoint{address: foreignServer(t, folder, at)}
			client, err := o.client()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := examineRunning(t.Context(), caddymodule.Examine, client); !errors.Is(err, console.ErrOtherUser) {
				t.Errorf("the console examined it: %v", err)
			}
			p := physician{examine: caddymodule.Examine, endpoint: o}
			if _, _, err := p.setup(t.Context()); !errors.Is(err, console.ErrOtherUser) {
				t.Errorf("the doctor examined it: %v", err)
			}
		})
	}
}

// nobodysFolder returns a folder in which every user can write, with a copy of
// the test binary.
func nobodysFolder(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root can run a program as another user: run the tests as root, as test/all.sh does")
	}
	folder, err := os.MkdirTemp("", "nobody") // unlike t.TempDir, below a folder that all can read
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(folder, 0o777), os.WriteFile(filepath.Join(folder, "program"), program, 0o755)); err != nil {
		t.Fatal(err)
	}
	return folder
}

// foreignServer runs a program of the user nobody, and returns its address.
func foreignServer(t *testing.T, folder, at string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "program"), "-test.run=^TestAttackConfigurationOfAnotherUser$")
	cmd.Dir, cmd.Env = "/", []string{listenAsNobody + "=" + at}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("no program of another user can run here: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no program of another user can listen here: %v", err)
	}
	return strings.TrimSpace(line)
}

// serveForeignConfig answers every call until it is killed.
func serveForeignConfig(at string) {
	network, address, _ := strings.Cut(at, "/")
	listener, err := net.Listen(network, address)
	if err != nil {
		return
	}
	if network == "unix" {
		_, _ = os.Stdout.WriteString("unix/" + address + "\n")
	} else {
		_, _ = os.Stdout.WriteString(listener.Addr().String() + "\n")
	}
	_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"apps":{"wechat":{}}}`))
	}))
}

// Only who listens at the port counts, on any address of the machine.
func TestTCPListeners(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:07E3 00000000:0000 0A 00000000:00000000 00:00000000 00000000   998        0 195 1 0000000006abaa99 100 0 0 10 0
   1: 0100007F:07E3 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 196 1 0000000006abaa99 100 0 0 10 0
   2: 00000000:07E4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 197 1 0000000006abaa99 100 0 0 10 0
   3: 00000000000000000000000001000000:07E3 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 1001 0 198 1
   4: broken
`
	for port, want := range map[uint]string{2019: "[998 1001]", 2020: "[0]", 2021: "[]"} {
		if got := tcpListeners(table, port); fmt.Sprint(got) != want {
			t.Errorf("%d: %v, want %s", port, got, want)
		}
	}
}
