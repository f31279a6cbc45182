package boltledger

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// file is a bbolt file whose damage is an error. A damaged page makes bbolt
// panic, and a file that shrinks under its memory map makes the processor
// fault; neither may crash the web server or leave its requests waiting.
type file struct {
	db *bolt.DB
	// broken: bbolt panicked while it held one of its locks. A call to it would
	// wait for ever.
	broken atomic.Bool
}

// openFile opens or creates the file.
func openFile(path string, patience time.Duration) (*file, error) {
	if err := survey(path, patience); err != nil {
		return nil, openError(path, err)
	}
	var db *bolt.DB
	_, err := guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: patience, FreelistType: bolt.FreelistMapType})
		return err
	})
	if err != nil {
		return nil, openError(path, err)
	}
	return &file{db: db}, nil
}

// survey creates a missing file. It detects a truncated file before bbolt reads
// the lost pages, and faults with the file locked.
func survey(path string, patience time.Duration) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return createFile(path, patience)
	case err != nil:
		return err
	case info.Size() == 0: // bbolt would treat it as new, and every person would get another id
		return ledger.Corrupt("the file is empty: %s", cutOff)
	}
	db, err := bolt.Open(path, 0, &bolt.Options{Timeout: patience, ReadOnly: true})
	if err != nil {
		if least := int64(2 * os.Getpagesize()); info.Size() < least && !errors.Is(err, berrors.ErrTimeout) {
			return ledger.Corrupt("the file has %d bytes: %s", info.Size(), cutOff)
		}
		return err
	}
	err = db.View(func(tx *bolt.Tx) error {
		info, err := os.Stat(path) // again: now no other process writes
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return ledger.Corrupt("the file has %d bytes and should have %d: %s", info.Size(), tx.Size(), cutOff)
		}
		return nil
	})
	return errors.Join(err, db.Close())
}

// cutOff tells the operator what happened to a file, and what to do.
const cutOff = "it was cut off; restore the backup, or remove the file to begin anew"

func openError(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w: another process (or another configuration in this one) has %s open; "+
			"each gateway needs a file of its own, several gateways share a Redis", ledger.ErrLocked, path)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %s is damaged or not a ledger: %w; restore the backup, or remove the file to begin anew", ledger.ErrCorrupt, path, err)
	}
	return fmt.Errorf("opening %s: %w", path, outcome(err))
}

// view runs fn in a read transaction.
func (f *file) view(fn func(tx *bolt.Tx) error) error {
	if f.broken.Load() {
		return errBroken
	}
	panicked, err := guard(func() error {
		return f.db.View(func(tx *bolt.Tx) error {
			_, err := guard(func() error { return fn(tx) })
			return err
		})
	})
	if panicked { // in bbolt itself, not in fn
		f.broken.Store(true)
	}
	return outcome(err)
}

// update runs fn in a write transaction.
func (f *file) update(fn func(tx *bolt.Tx) error) error {
	if f.broken.Load() {
		return errBroken
	}
	var used *bolt.Tx
	panicked, err := guard(func() error {
		return f.db.Update(func(tx *bolt.Tx) error {
			used = tx
			_, err := guard(func() error { return fn(tx) })
			return err
		})
	})
	if panicked && (used == nil || used.DB() != nil) { // the transaction did not begin or end properly
		f.broken.Store(true)
	}
	return err
}

func (f *file) close() error {
	if f.broken.Load() {
		return errBroken
	}
	return outcome(f.db.Close())
}

var errBroken = ledger.Corrupt("reading the file failed before; it stays unreadable, and locked, until the process ends")

// guard turns a panic into ErrCorrupt.
func guard(fn func() error) (panicked bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			panicked, err = true, ledger.Corrupt("the file cannot be read: %v", r)
		}
	}()
	return false, fn()
}

// outcome turns an error of bbolt or of the file system into one of ours; our
// own errors pass unchanged.
func outcome(err error) error {
	switch {
	case err == nil, errors.Is(err, ledger.ErrNotFound), errors.Is(err, ledger.ErrConflict), errors.Is(err, ledger.ErrTooMany), errors.Is(err, ledger.ErrUnavailable):
		return err
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ledger.ErrClosed
	}
	return fmt.Errorf("%w: %w", ledger.ErrUnavailable, err)
}
