package scan

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxBoard bounds the entries of a memory: three for each of 65,536 answers.
const maxBoard = 3 * 65536

// errBoardFull says that the board is full. Existing entries are never evicted:
// a browser may be waiting for one.
var errBoardFull = errors.New("scan: too many answers of phones are stored")

// memory is a [signin.Shared] for a single instance. The zero value is ready.
type memory struct {
	mu   sync.Mutex
	kept map[string]note
}

type note struct {
	value string
	until time.Time
}

// Claim implements [signin.Shared].
func (b *memory) Claim(_ context.Context, key string, ttl time.Duration) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, ok := b.kept["c"+key]; ok && time.Now().Before(n.until) {
		return false, nil
	}
	return true, b.keep("c"+key, note{until: time.Now().Add(ttl)})
}

// Release implements [signin.Shared].
func (b *memory) Release(_ context.Context, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.kept, "c"+key)
}

// Put implements [signin.Shared].
func (b *memory) Put(_ context.Context, key, value string, ttl time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keep("v"+key, note{value, time.Now().Add(ttl)})
}

// Get implements [signin.Shared].
func (b *memory) Get(_ context.Context, key string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.kept["v"+key]
	if !time.Now().Before(n.until) {
		return "", nil
	}
	return n.value, nil
}

func (b *memory) keep(key string, n note) error {
	if b.kept == nil {
		b.kept = make(map[string]note)
	}
	b.prune()
	if _, there := b.kept[key]; !there && len(b.kept) >= maxBoard {
		return errBoardFull
	}
	b.kept[key] = n
	return nil
}

// prune drops expired entries: a few at a time, or all of them when there is no
// room.
func (b *memory) prune() {
	now, looked, full := time.Now(), 0, len(b.kept) >= maxBoard
	for key, n := range b.kept {
		if !now.Before(n.until) {
			delete(b.kept, key)
		}
		if looked++; looked >= 16 && !full {
			return
		}
	}
}
