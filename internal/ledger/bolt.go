package ledger

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
	berrors "go.etcd.io/bbolt/errors"
)

// lockPatience is how long OpenBolt waits for a previous owner of the file to let go of it.
const lockPatience = 3 * time.Second

// Bolt is a Ledger in one bbolt file, for one process. Every answer that something was written comes after the disk
// has it; what arrives while the disk is busy shares the next write.
type Bolt struct {
	// Logger hears, at level Warn, of sightings that contradict what WeChat said before. nil is silent. Set it before
	// the first use. No openid, unionid or nickname is ever logged.
	Logger *slog.Logger

	db         *bolt.DB
	writer     *writer
	cache      cache
	ended      ended
	closed     atomic.Bool
	generation atomic.Uint64
}

var _ Ledger = (*Bolt)(nil)

// OpenBolt opens the ledger in a file, and creates the file (mode 0600) and its folder (mode 0700) if need be. One file
// has one owner at a time: ErrLocked if it is still in use after three seconds. ErrCorrupt if it is damaged, no ledger,
// or written by a newer version; ErrUnavailable if the file system refuses.
func OpenBolt(path string) (*Bolt, error) { return openBolt(path, lockPatience) }

func openBolt(path string, patience time.Duration) (*Bolt, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: creating the folder of the ledger: %w", ErrUnavailable, err)
	}
	db, err := openFile(path, patience)
	if err != nil {
		return nil, err
	}
	b := &Bolt{db: db, writer: newWriter(db)}
	b.generation.Store(1)
	if err := b.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), b.Close())
	}
	return b, nil
}

// openFile opens the file and sees to it that a failure leaves it unlocked.
func openFile(path string, patience time.Duration) (*bolt.DB, error) {
	var file *os.File
	var db *bolt.DB
	err := guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout:      patience,
			FreelistType: bolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				file = f
				return f, err
			},
		})
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%w: another process (or another configuration in this one) has %s open; "+
			"each gateway needs a file of its own, several gateways share a Redis", ErrLocked, path)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %s is damaged or no ledger: %w", ErrCorrupt, path, err)
	case errors.Is(err, ErrCorrupt): // bbolt panicked half-way
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), file.Close())
	}
	return nil, fmt.Errorf("%w: opening %s: %w", ErrUnavailable, path, err)
}

// load checks the file and reads what is kept in memory.
func (b *Bolt) load() error {
	err := b.view(func(tx *bolt.Tx) error {
		info, err := os.Stat(b.db.Path())
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return corrupt("the file was cut off: it has %d bytes and should have %d", info.Size(), tx.Size())
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.prepare() }, nil)
	if err != nil {
		return err
	}
	return b.view(func(tx *bolt.Tx) error { return tables{tx}.loadEnded(&b.ended) })
}

// Generation grows with each committed change of a person that alters anything but times, so that whoever keeps
// something prepared from a Person can drop it when Generation has moved: read Generation first, then Find. It begins
// anew with each OpenBolt, never at 0.
func (b *Bolt) Generation() uint64 { return b.generation.Load() }

// EndSession implements Ledger. The time is rounded up to the next second.
func (b *Bolt) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	end := min(until.Add(time.Second-time.Nanosecond).Unix(), maxTime)
	if end <= time.Now().Unix() {
		return nil
	}
	b.ended.add(id, end) // first: here and now the session is over, whatever the disk says
	return b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.endSession(id, end) }, nil)
}

// Ended implements Ledger.
func (b *Bolt) Ended(id [16]byte) bool { return b.ended.has(id) }

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
		return ErrClosed
	}
	return nil
}

// view runs fn in a read transaction.
func (b *Bolt) view(fn func(tx *bolt.Tx) error) error {
	return outcome(guard(func() error { return b.db.View(fn) }))
}
