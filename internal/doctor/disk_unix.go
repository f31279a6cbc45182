//go:build unix

package doctor

import (
	"syscall"
)

// hasModes is whether files have the rights of Unix.
const hasModes = true

// usable reports whether this user may read and write a file. It does not open
// it.
func usable(file string) bool {
	const read, write = 4, 2
	return syscall.Access(file, read|write) == nil
}

// writable reports whether this user may make files in a folder. It makes none.
func writable(folder string) bool {
	const write, search = 2, 1
	return syscall.Access(folder, write|search) == nil
}
