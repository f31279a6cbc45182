package packages

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network is a network of its own, with a loopback address and nothing else:
// what runs in it has every port to itself, as in a container, and reaches no
// other machine.
type network struct {
	t      *testing.T
	work   chan func()  // for the thread that is in the network
	client *http.Client // for requests in the network, without redirects
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("this test makes a network of its own: it needs root")
	}
	n := &network{t: t, work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = loopbackUp()
		}
		made <- err
		for f := range n.work {
			f()
		}
	}()
	t.Cleanup(func() { close(n.work) })
	if err := <-made; err != nil {
		t.Fatalf("making a network: %v", err)
	}
	n.client = &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: n.dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return n
}

// inside runs f where sockets that it makes, and programs that it starts, are
// in the network.
func (n *network) inside(f func() error) error {
	done := make(chan error, 1)
	n.work <- func() { done <- f() }
	return <-done
}

func loopbackUp() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
}

// dial connects to this port of the network, whatever the host is called.
func (n *network) dial(ctx context.Context, _, address string) (connection net.Conn, err error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	err = n.inside(func() error {
		connection, err = new(net.Dialer).DialContext(ctx, "tcp4", "127.0.0.1:"+port)
		return err
	})
	return connection, err
}

// serve runs a handler at a port of the network.
func (n *network) serve(port string, handler http.Handler) {
	n.t.Helper()
	var listener net.Listener
	err := n.inside(func() (err error) {
		listener, err = net.Listen("tcp4", "127.0.0.1:"+port)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	n.t.Cleanup(func() { _ = server.Close() })
}

// set writes a kernel parameter of the network, such as
// net.ipv4.ip_unprivileged_port_start.
func (n *network) set(parameter, value string) {
	n.t.Helper()
	err := n.inside(func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(parameter, ".", "/"), []byte(value), 0)
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// start starts a program in the network until the test ends.
func (n *network) start(command *exec.Cmd) *program {
	n.t.Helper()
	p := &program{t: n.t, command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = &p.output, &p.output
	if command.SysProcAttr == nil {
		command.SysProcAttr = new(unix.SysProcAttr)
	}
	command.SysProcAttr.Setpgid = true
	command.SysProcAttr.Pdeathsig = unix.SIGKILL // of the network's thread
	if err := n.inside(command.Start); err != nil {
		n.t.Fatalf("%v: %v", command.Args, err)
	}
	go func() {
		_ = command.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	n.t.Cleanup(func() {
		_ = unix.Kill(-command.Process.Pid, unix.SIGKILL) // may have ended
		<-p.ended
		if n.t.Failed() {
			n.t.Logf("%v:\n%s", command.Args, p.output.String())
		}
	})
	return p
}

// run runs a program in the network to its end, and returns what it printed.
func (n *network) run(command *exec.Cmd) (string, error) {
	p := n.start(command)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		n.t.Fatalf("%v does not end:\n%s", command.Args, p.output.String())
	}
	if !command.ProcessState.Success() {
		return p.output.String(), fmt.Errorf("%s", command.ProcessState)
	}
	return p.output.String(), nil
}
