package redistest

import "syscall"

// childAttr gives a child a process group of its own and its death with ours: a test binary that is killed, or
// ends in a panic, leaves no server behind.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
