package push

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxJournal bounds the entries of a folder.
	maxJournal = maxWaiting
	// maxJournalEntry bounds a file, in bytes.
	maxJournalEntry = 16 << 10

	journalSuffix = ".push"
)

// errJournalFull reports that the folder has the maximum number of entries.
var errJournalFull = errors.New("push: the journal is full")

// errJournalCut reports an entry that a copy or a disk has truncated.
var errJournalCut = errors.New("push: the entry is empty: it was cut off; restore the backup, or remove the file")

// Files is a [Journal] with one file for each entry, in a folder that is made
// when it is first needed. Only the server's user can read the files.
type Files struct {
	Folder string
	// Seal and Open encrypt and decrypt an entry, which contains an openid, and
	// bind it to its name.
	Seal func(name string, entry []byte) (string, error)
	Open func(name, sealed string) ([]byte, error)
}

// Keep implements Journal. It writes a temporary file and renames it: after a
// power cut there is the whole entry or none.
func (f *Files) Keep(name string, entry []byte) error {
	if !journalName(name) {
		return fmt.Errorf("push: %.40q is not the name of an entry", name)
	}
	sealed, err := f.Seal(name, entry)
	if err != nil {
		return fmt.Errorf("push: sealing an entry of the journal: %w", err)
	}
	if len(sealed) > maxJournalEntry {
		return fmt.Errorf("push: an entry of the journal has %d bytes", len(sealed))
	}
	if err := os.MkdirAll(f.Folder, 0o700); err != nil {
		return fmt.Errorf("push: making the journal: %w", err)
	}
	names, err := f.names()
	if err != nil {
		return err
	}
	if len(names) >= maxJournal && !slices.Contains(names, name) {
		return errJournalFull
	}
	path := f.path(name)
	err = writeSynced(path+".new", sealed)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		_ = os.Remove(path + ".new") // a full disk may have written a part
		return fmt.Errorf("push: writing an entry of the journal: %w", err)
	}
	return f.sync()
}

// writeSynced writes a file and syncs it to the disk.
func writeSynced(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// sync syncs the folder's list of names to the disk.
func (f *Files) sync() error {
	folder, err := os.Open(f.Folder)
	if err != nil {
		return fmt.Errorf("push: writing the journal: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("push: writing the journal: %w", err)
	}
	return nil
}

// Remove implements Journal.
func (f *Files) Remove(name string) error {
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("push: removing an entry of the journal: %w", err)
	}
	return nil
}

// Each implements Journal. An entry that no key opens stays in place: it may
// belong to another gateway.
func (f *Files) Each(fn func(name string, entry []byte)) error {
	names, err := f.names()
	if err != nil {
		return err
	}
	var failed error
	unread := 0
	for _, name := range names {
		sealed, err := readBounded(f.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // done meanwhile
		}
		var entry []byte
		switch {
		case err != nil:
		case sealed == "":
			err = errJournalCut
		default:
			entry, err = f.Open(name, sealed)
		}
		if err != nil {
			unread++
			failed = fmt.Errorf("%d of %d entries, the last of them %s: %w", unread, len(names), filepath.Base(f.path(name)), err)
			continue
		}
		fn(name, entry)
	}
	return failed
}

// readBounded reads a regular file of at most maxJournalEntry bytes.
func readBounded(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxJournalEntry {
		return "", fmt.Errorf("push: %s is not an entry of the journal", filepath.Base(path))
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// names returns the names of the entries. A missing folder has none.
func (f *Files) names() (names []string, err error) {
	files, err := os.ReadDir(f.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("push: reading the journal: %w", err)
	}
	for _, file := range files {
		if name, ours := strings.CutSuffix(file.Name(), journalSuffix); ours && journalName(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (f *Files) path(name string) string { return filepath.Join(f.Folder, name+journalSuffix) }

// journalName reports whether a name has the form of a stepKey, so that it
// cannot lead to another folder.
func journalName(name string) bool {
	raw, err := hex.DecodeString(name)
	return err == nil && len(raw) == 16
}
