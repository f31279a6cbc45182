package session

import "context"

// KeyStorage is where a KeyManager keeps its keys, shared by all gateways that are
// to open each other's sessions. Names are plain text with slashes.
type KeyStorage interface {
	// Load returns the value of a name; an error that is fs.ErrNotExist if, and
	// only if, there is none.
	Load(ctx context.Context, name string) ([]byte, error)

	// Store sets the value of a name: all of it or nothing.
	Store(ctx context.Context, name string, value []byte) error

	// Lock waits until the caller is the only holder of the name's lock among
	// all gateways, or ctx is done.
	Lock(ctx context.Context, name string) error

	// Unlock gives the lock back.
	Unlock(ctx context.Context, name string) error
}
