package redistest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// process is one redis-server in its own process group, so that a fork that
// writes a file dies with it.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone and reaped

	mu     sync.Mutex
	resume *time.Timer // ends a pause; nil when there is none
}

// start runs redis-server with a configuration file. Its output is appended to
// the file "output" in dir.
func start(dir string, args ...string) (*process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redistest: no redis-server: run ./test/all.sh, or: apt-get install redis-server: %w", err)
	}
	out, err := os.OpenFile(filepath.Join(dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.CommandContext(context.Background(), path, args...) //nolint:gosec // the path comes from PATH, the arguments from this package
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("redistest: %w", err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // the error of a killed server says nothing new
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal signals the whole group. A process that is gone gets no signal: its
// number may belong to another process now.
func (p *process) signal(sig groupSignal) error {
	if !p.running() {
		return os.ErrProcessDone
	}
	return sig.send(p.cmd.Process)
}

// kill ends the group at once, paused or not, and waits until it is reaped.
func (p *process) kill() {
	p.endPause()
	_ = p.signal(toEnd) // the process may be gone already
	<-p.exited
}

// pause stops the group now and lets it go on after d; 0 means until resume.
func (p *process) pause(d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resume != nil {
		p.resume.Stop()
		p.resume = nil
	}
	if err := p.signal(toPause); err != nil {
		return err
	}
	if d > 0 {
		p.resume = time.AfterFunc(d, func() { _ = p.signal(toGoOn) })
	}
	return nil
}

func (p *process) goOn() error {
	p.endPause()
	return p.signal(toGoOn)
}

func (p *process) endPause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resume != nil {
		p.resume.Stop()
		p.resume = nil
	}
}
