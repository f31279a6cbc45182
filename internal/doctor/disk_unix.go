//go:build unix

package doctor

import (
	"syscall"
)

// hasModes is whether files have the rights of Unix.
const hasModes = true

// writable reports whether this user may make files in a folder. It makes none.
func writable(folder string) bool {
	const write, search = 2, 1
	return syscall.Access(folder, write|search) == nil
}
