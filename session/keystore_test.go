package session_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

// keyStore is a storage of keys in memory, with faults on demand.
type keyStore struct {
	mu                    sync.Mutex
	values                map[string][]byte
	loadErr, storeErr     error
	lockErr, unlockErr    error
	loads, stores, locked int

	lock chan struct{} // holds one token while locked
}

var _ session.KeyStorage = (*keyStore)(nil)

func newKeyStore() *keyStore {
	return &keyStore{values: map[string][]byte{}, lock: make(chan struct{}, 1)}
}

func (k *keyStore) Load(ctx context.Context, name string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loads++
	if k.loadErr != nil {
		return nil, k.loadErr
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	value, ok := k.values[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return value, nil
}

func (k *keyStore) Store(_ context.Context, name string, value []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.storeErr != nil {
		return k.storeErr
	}
	k.stores++
	k.values[name] = value
	return nil
}

func (k *keyStore) Lock(ctx context.Context, _ string) error {
	k.mu.Lock()
	err := k.lockErr
	k.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case k.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *keyStore) Unlock(ctx context.Context, _ string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	<-k.lock
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked++
	return k.unlockErr
}

// fail sets the faults.
func (k *keyStore) fail(load, store, lock error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loadErr, k.storeErr, k.lockErr = load, store, lock
}

// reads returns how often the keys were read.
func (k *keyStore) reads() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.loads
}

// put replaces what is stored; nil removes it.
func (k *keyStore) put(value []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if value == nil {
		delete(k.values, "keys")
		return
	}
	k.values["keys"] = value
}

// get returns what is stored.
func (k *keyStore) get() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.values["keys"]
}

// secrets returns the stored secrets, in base64.
func (k *keyStore) secrets(t *testing.T) []string {
	t.Helper()
	var file struct {
		Keys []struct {
			Secret string `json:"secret"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(k.get(), &file); err != nil {
		t.Fatalf("the stored keys: %v", err)
	}
	out := make([]string, 0, len(file.Keys))
	for _, key := range file.Keys {
		out = append(out, key.Secret)
	}
	return out
}
