package redistest

import "syscall"

// childAttr gives a child its own process group, and ends it when the test
// process ends: a test binary that is killed or panics leaves no server behind.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
