package command

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// wholeFile writes a file completely or not at all: it writes a temporary file
// beside it, and renames that when it is complete. Only its owner can read it.
func wholeFile(file string, write func(io.Writer) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".wechat-ledger-*") // mode 0600
	if err != nil {
		return err
	}
	err = write(temporary)
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
