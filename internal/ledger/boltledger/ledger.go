package boltledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// lockPatience is how long Open waits for a previous owner to release the file.
const lockPatience = 3 * time.Second

// Ledger is a ledger.Ledger in one bbolt file, for one process. [Open] opens
// it.
type Ledger struct {
	// Logger receives, at level Warn, observations that contradict what WeChat
	// reported before. nil is silent. Set it before the first use. No openid,
	// unionid or nickname is logged.
	Logger *slog.Logger
	// Wake is called after each commit that put an event into the outbox. It
	// must return soon and must not use the ledger, because all writers wait
	// for it. nil is silent. Set it before the first use.
	Wake func()

	file       *file
	writer     *writer
	cache      cache
	ended      ledger.EndedSessions
	gone       ledger.EndedPersons
	bans       ledger.BanSet
	banning    sync.RWMutex // held while bans change; read-held while a ban must follow its person
	unwritten  ledger.UnwrittenEnds
	targets    ledger.Targets
	limits     ledger.Limits // set in tests only
	leases     leaseTable
	closed     atomic.Bool
	indexing   indexing
	cursors    cursorSeal
	generation atomic.Uint64
}

var _ ledger.Ledger = (*Ledger)(nil)

// Open opens the ledger in a file, and creates the file (mode 0600) and its
// folder (mode 0700) if needed. One file has one owner at a time: the error is
// ErrLocked if it is still in use after three seconds, ErrCorrupt if it is
// damaged, not a ledger, or written by a newer version, ErrUnavailable if the
// file system fails.
func Open(path string) (*Ledger, error) { return open(path, lockPatience) }

func open(path string, patience time.Duration) (*Ledger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: creating the folder of the ledger: %w", ledger.ErrUnavailable, err)
	}
	f, err := openFile(path, patience)
	if err != nil {
		return nil, err
	}
	b := &Ledger{file: f, writer: newWriter(f)}
	b.generation.Store(1)
	if err := b.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), b.Close())
	}
	b.startIndexing(indexRun)
	return b, nil
}

// load prepares a new file, and reads into memory what is kept there.
func (l *Ledger) load() error {
	err := l.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.prepare() }, nil)
	if err != nil {
		return err
	}
	return l.file.view(func(tx *bolt.Tx) error {
		return errors.Join(tables{tx}.loadEnded(&l.ended), tables{tx}.loadPersonEnds(&l.gone), tables{tx}.loadBans(&l.bans))
	})
}

// Generation implements Ledger.
func (l *Ledger) Generation() uint64 { return l.generation.Load() }

// EndSession implements Ledger. The time is rounded up to the next second.
func (l *Ledger) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	return l.endSession(ctx, id, 0, until)
}

// EndSessionAt is EndSession for an end that begins at the given moment, in
// milliseconds. Of two calls for one id the earlier moment counts.
func (l *Ledger) EndSessionAt(ctx context.Context, id [16]byte, from, until time.Time) error {
	return l.endSession(ctx, id, max(from.UnixMilli(), 0), until)
}

func (l *Ledger) endSession(ctx context.Context, id [16]byte, from int64, until time.Time) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	end, ok := ledger.UntilSecond(until)
	if !ok {
		return nil
	}
	span := ledger.Span{From: from, Until: end}
	l.ended.Add(id, span) // memory first: the session is over here even if the disk fails
	err := l.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.endSession(id, span) }, nil)
	return l.unwritten.Note(err, 0, string(id[:]))
}

// EndsAt returns the moment given to EndSessionAt, even if it is still to come;
// zero if there is none.
func (l *Ledger) EndsAt(id [16]byte) time.Time { return l.ended.Begins(id) }

// Ended implements Ledger.
func (l *Ledger) Ended(id [16]byte) bool { return l.ended.Has(id) }

// Close implements Ledger.
func (l *Ledger) Close() error {
	l.closed.Store(true)
	l.indexing.end()
	return l.writer.close()
}

// ready returns an error if a call must not begin.
func (l *Ledger) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ledger: not begun: %w", err)
	}
	if l.closed.Load() {
		return ledger.ErrClosed
	}
	return nil
}

// Ready implements Ledger.
func (l *Ledger) Ready(ctx context.Context) error { return l.ready(ctx) }
