package boltledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// lockPatience is how long OpenBolt waits for a previous owner of the file to let go of it.
const lockPatience = 3 * time.Second

// Bolt is a Ledger in one bbolt file, for one process. Every answer that something was written comes after the disk
// has it; what arrives while the disk is busy shares the next write.
type Bolt struct {
	// Logger hears, at level Warn, of sightings that contradict what WeChat said before. nil is silent. Set it before
	// the first use. No openid, unionid or nickname is ever logged.
	Logger *slog.Logger
	// Wake is called after each commit that put something into the outbox. It must return soon and must not use the
	// ledger: everybody who writes waits for it. nil is silent. Set it before the first use.
	Wake func()

	file       *file
	writer     *writer
	cache      cache
	ended      ledger.EndedSessions
	gone       ledger.EndedPersons
	unwritten  ledger.UnwrittenEnds
	targets    ledger.Targets
	limits     ledger.Limits // zero but in tests
	leases     leases
	closed     atomic.Bool
	generation atomic.Uint64
}

var _ ledger.Ledger = (*Bolt)(nil)

// OpenBolt opens the ledger in a file, and creates the file (mode 0600) and its folder (mode 0700) if need be. One file
// has one owner at a time: ErrLocked if it is still in use after three seconds. ErrCorrupt if it is damaged, no ledger,
// or written by a newer version; ErrUnavailable if the file system refuses.
func OpenBolt(path string) (*Bolt, error) { return openBolt(path, lockPatience) }

func openBolt(path string, patience time.Duration) (*Bolt, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: creating the folder of the ledger: %w", ledger.ErrUnavailable, err)
	}
	f, err := openFile(path, patience)
	if err != nil {
		return nil, err
	}
	b := &Bolt{file: f, writer: newWriter(f)}
	b.generation.Store(1)
	if err := b.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), b.Close())
	}
	return b, nil
}

// load prepares a new file, and reads what is kept in memory.
func (b *Bolt) load() error {
	err := b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.prepare() }, nil)
	if err != nil {
		return err
	}
	return b.file.view(func(tx *bolt.Tx) error {
		return errors.Join(tables{tx}.loadEnded(&b.ended), tables{tx}.loadGone(&b.gone))
	})
}

// Generation implements Ledger.
func (b *Bolt) Generation() uint64 { return b.generation.Load() }

// EndSession implements Ledger. The time is rounded up to the next second.
func (b *Bolt) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	return b.endSession(ctx, id, 0, until)
}

// EndSessionAt is EndSession for an end that begins at the given moment, in milliseconds. Of two for one id the earlier
// moment holds.
func (b *Bolt) EndSessionAt(ctx context.Context, id [16]byte, from, until time.Time) error {
	return b.endSession(ctx, id, max(from.UnixMilli(), 0), until)
}

func (b *Bolt) endSession(ctx context.Context, id [16]byte, from int64, until time.Time) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	end, ok := ledger.UntilSecond(until)
	if !ok {
		return nil
	}
	span := ledger.Span{From: from, Until: end}
	b.ended.Add(id, span) // first: here and now the session is over, whatever the disk says
	err := b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.endSession(id, span) }, nil)
	return b.unwritten.Note(err, 0, string(id[:]))
}

// EndsAt returns the moment given to EndSessionAt, also if it is still to come; zero if there is none.
func (b *Bolt) EndsAt(id [16]byte) time.Time { return b.ended.Begins(id) }

// Ended implements Ledger.
func (b *Bolt) Ended(id [16]byte) bool { return b.ended.Has(id) }

// Close implements Ledger.
func (b *Bolt) Close() error {
	b.closed.Store(true)
	return b.writer.close()
}

// ready says why a call must not begin.
func (b *Bolt) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ledger: not begun: %w", err)
	}
	if b.closed.Load() {
		return ledger.ErrClosed
	}
	return nil
}

// Ready implements Ledger.
func (b *Bolt) Ready(ctx context.Context) error { return b.ready(ctx) }
