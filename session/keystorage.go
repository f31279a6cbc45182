package session

import "context"

// KeyStorage is where a KeyManager keeps its keys, shared by all gateways that
// must open each other's sessions. Names are plain text with slashes.
type KeyStorage interface {
	// Load returns the value of a name. The error is fs.ErrNotExist if, and
	// only if, there is none.
	Load(ctx context.Context, name string) ([]byte, error)

	// Store sets the value of a name, completely or not at all.
	Store(ctx context.Context, name string, value []byte) error

	// Lock waits until the caller is the only holder of the name's lock among
	// all gateways, or ctx is done.
	Lock(ctx context.Context, name string) error

	// Unlock releases the lock.
	Unlock(ctx context.Context, name string) error
}
