package wechat

import (
	"context"
	"maps"
	"sync"
	"time"
)

// TokenStore keeps tokens and tickets of accounts for all gateways of a fleet,
// so that one gateway fetches them for all. Keys are an app id, a slash and a
// word: printable ASCII, at most 140 bytes. A store is safe for concurrent use.
//
// A lost record is harmless: WeChat returns the same token again.
type TokenStore interface {
	// Load returns the record under key, the empty Secret if there is none or
	// it has expired. An unavailable store returns an error: unavailable is not
	// absent.
	Load(ctx context.Context, key string) (record Secret, err error)
	// Save keeps record, at most 4096 bytes of text, under key until expires.
	// The record contains a token: the store must seal it and bind it to its
	// key.
	Save(ctx context.Context, key string, record Secret, expires time.Time) error
	// Lock gives the caller the sole right to fetch the value of key, for at
	// most ttl. It returns false at once if another caller has it. unlock is
	// not nil if ok, and never releases the lock of a later owner.
	Lock(ctx context.Context, key string, ttl time.Duration) (unlock func(), ok bool, err error)
}

// MemoryTokens is a TokenStore for one process. The zero value is empty and
// ready for use; it must not be copied.
type MemoryTokens struct {
	mu      sync.Mutex
	records map[string]memoryRecord
	locks   map[string]*memoryLock
}

type memoryRecord struct {
	record  Secret
	expires time.Time
}

type memoryLock struct{ until time.Time }

// Load returns the record under key. It never fails.
func (m *MemoryTokens) Load(_ context.Context, key string) (Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.records[key]
	if !ok || !time.Now().Before(kept.expires) {
		return Secret{}, nil
	}
	return kept.record, nil
}

// Save keeps record under key. It never fails.
func (m *MemoryTokens) Save(_ context.Context, key string, record Secret, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[string]memoryRecord{}
	}
	now := time.Now()
	maps.DeleteFunc(m.records, func(_ string, kept memoryRecord) bool { return !now.Before(kept.expires) })
	m.records[key] = memoryRecord{record, expires}
	return nil
}

// Lock takes the lock of key. It never fails.
func (m *MemoryTokens) Lock(_ context.Context, key string, ttl time.Duration) (func(), bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if held := m.locks[key]; held != nil && now.Before(held.until) {
		return nil, false, nil
	}
	if m.locks == nil {
		m.locks = map[string]*memoryLock{}
	}
	mine := &memoryLock{until: now.Add(ttl)}
	m.locks[key] = mine
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.locks[key] == mine { // not a later owner's
			delete(m.locks, key)
		}
	}, true, nil
}
