//go:build unix

package redistest

import (
	"os"
	"syscall"
)

// groupSignal is what happens to a process group.
type groupSignal syscall.Signal

const (
	toEnd   = groupSignal(syscall.SIGKILL)
	toPause = groupSignal(syscall.SIGSTOP)
	toGoOn  = groupSignal(syscall.SIGCONT)
)

// send signals the whole group that p leads.
func (s groupSignal) send(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.Signal(s)) }
