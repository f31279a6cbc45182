//go:build !unix

package doctor

// hasModes is whether files have the rights of Unix.
const hasModes = false

// usable is not known on this system either.
func usable(string) bool { return true }

// writable is not known on this system: the server says so itself when it
// starts.
func writable(string) bool { return true }
