package test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// gatewayBinary builds the gateway once for all tests.
var gatewayBinary = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "gateway-")
	if err != nil {
		return "", err
	}
	whenAllTestsEnd(func() { _ = os.RemoveAll(folder) })
	binary := filepath.Join(folder, "wechat-gateway")
	// Without a version, as the gateways in this process: the doctor compares them.
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../cmd/wechat-gateway").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the gateway: %w\n%s", err, out)
	}
	return binary, nil
})

// program is another program, run in a process group of its own, so that it and
// all that it starts end together, by their id.
type program struct {
	command *exec.Cmd
	output  *output
	ended   chan struct{}
}

// ownGroup has the kernel end a program when this process dies of whatever
// cause.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// start runs command. What it writes goes to output.
func start(command *exec.Cmd) (*program, error) {
	p := &program{command: command, output: new(output), ended: make(chan struct{})}
	command.Stdout, command.Stderr = p.output, p.output
	ownGroup(command)
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = command.Wait() // how it ended is in its output
		close(p.ended)
	}()
	return p, nil
}

// stop asks the program to end, and makes it after a few seconds.
func (p *program) stop() {
	group := -p.command.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-p.ended
	}
}

// until waits until ready says so, the program ends, or the time is over.
func (p *program) until(limit time.Duration, ready func() bool) error {
	timeout := time.After(limit)
	for {
		if ready() {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s has ended:\n%s", p.command.Path, p.output)
		case <-timeout:
			return fmt.Errorf("%s is not ready after %s:\n%s", p.command.Path, limit, p.output)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// output is what a program has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// maxOutput bounds what is kept of a program's words, in bytes.
const maxOutput = 1 << 20

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len()+len(b) <= maxOutput {
		o.b.Write(b)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// installed finds a file that a Debian package brings, or says how to get it.
func installed(file, packages string) error {
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%s is not there; run ./test/all.sh, or: apt-get install %s", file, packages)
	}
	return nil
}

// processesOf counts the living processes of a group.
func processesOf(group int) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	count := 0
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // not a process, or gone meanwhile
		}
		// pid (name) state ppid pgrp …; the name may hold anything.
		i := bytes.LastIndexByte(stat, ')')
		if i < 0 {
			return 0, errors.New("/proc is not Linux's")
		}
		fields := strings.Fields(string(stat[i+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			count++
		}
	}
	return count, nil
}

// endsSoon checks that no process of a group is left.
func endsSoon(t *testing.T, group int) {
	t.Helper()
	for range 100 {
		count, err := processesOf(group)
		if err != nil {
			t.Fatal(err)
		}
		if count == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("processes of group %d are left", group)
}

// What a test starts ends with it, and so does what that has started.
func TestProgramsEnd(t *testing.T) {
	p, err := start(exec.Command("sh", "-c", "sleep 300 & trap '' TERM; echo ready; wait; sleep 300"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.until(10*time.Second, func() bool { return strings.Contains(p.output.String(), "ready") }); err != nil {
		t.Fatal(err)
	}
	if count, err := processesOf(p.command.Process.Pid); err != nil || count < 2 {
		t.Fatalf("%d processes, %v", count, err)
	}
	p.stop()
	endsSoon(t, p.command.Process.Pid)
}

func TestBrowserEnds(t *testing.T) {
	w := newWorld(t)
	var group int
	t.Run("a test", func(t *testing.T) {
		inner := *w
		inner.t = t
		group = inner.phone("ming").group
		if count, err := processesOf(group); err != nil || count < 2 {
			t.Errorf("%d processes, %v", count, err)
		}
	})
	endsSoon(t, group)
}
