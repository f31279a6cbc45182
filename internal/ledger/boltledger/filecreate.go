package boltledger

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// createFile makes a new, empty ledger file. It makes the file under a
// temporary name and renames it when it is complete: a crash in between must
// not leave a file of 0 bytes, which is refused later as truncated. If another
// process is quicker, its file stays.
func createFile(path string, patience time.Duration) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	if err := temp.Close(); err != nil {
		return err
	}
	db, err := bolt.Open(temp.Name(), 0o600, &bolt.Options{Timeout: patience, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	// A failure does no harm: the name is taken, or the file system has no
	// links. Then bbolt makes the file.
	_ = os.Link(temp.Name(), path)
	return nil
}
