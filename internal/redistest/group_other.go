//go:build !unix

package redistest

import (
	"errors"
	"os"
	"syscall"
)

// groupSignal is what happens to a process. Windows has no process groups, and
// does not pause.
type groupSignal int

const (
	toEnd groupSignal = iota
	toPause
	toGoOn
)

func (s groupSignal) send(p *os.Process) error {
	if s == toEnd {
		return p.Kill()
	}
	return errors.New("redistest: this system cannot pause a process")
}

func childAttr() *syscall.SysProcAttr { return nil }
