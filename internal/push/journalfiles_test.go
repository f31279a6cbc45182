package push

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const entryName = "00112233445566778899aabbccddeeff"

// An entry is its user's alone, shows no openid, and leads to no other folder.
func TestJournalFiles(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "wechat", "pushes")
	f := files(folder)
	if err := f.Keep(entryName, []byte("oPerson1")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{folder: 0o700 | os.ModeDir, f.path(entryName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if raw, err := os.ReadFile(f.path(entryName)); err != nil || strings.Contains(string(raw), "oPerson1") {
		t.Errorf("%q %v", raw, err)
	}
	for _, bad := range []string{"", "../../../etc/cron.d/x", strings.Repeat("g", 32), entryName + "00"} {
		if err := f.Keep(bad, []byte("x")); err == nil {
			t.Errorf("%q was kept", bad)
		}
	}
	if err := f.Keep(strings.Repeat("ab", 16), make([]byte, maxJournalEntry)); err == nil {
		t.Error("an entry without end was kept")
	}
	if err := errors.Join(f.Remove(entryName), f.Remove(entryName)); err != nil {
		t.Error(err)
	}
	if names, err := f.names(); len(names) != 0 || err != nil {
		t.Errorf("%q %v", names, err)
	}
}

// Attack: the journal's folder holds what no gateway wrote. It is read by
// nobody, and the good entries are.
func TestAttackForgedJournal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	f := files(folder)
	if err := f.Keep(entryName, []byte("good")); err != nil {
		t.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprintf("%032x%s", i, journalSuffix) }
	good, _ := os.ReadFile(f.path(entryName))
	for file, text := range map[string]string{
		name(1): "garbage", name(2): "", name(3): string(good), name(4): strings.Repeat("x", maxJournalEntry+1), "x.push": "x", "README": "x",
	} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(folder, name(5)), 0o700), os.Symlink("/dev/zero", filepath.Join(folder, name(6)))); err != nil {
		t.Fatal(err)
	}
	var read []string
	err := f.Each(func(name string, entry []byte) { read = append(read, name+" "+string(entry)) })
	if err == nil || len(read) != 1 || read[0] != entryName+" good" {
		t.Errorf("read %q, %v", read, err)
	}
}

// An entry that was cut off is told by its name, and stays.
func TestJournalSaysWhatWasCutOff(t *testing.T) {
	t.Parallel()
	f := files(t.TempDir())
	if err := f.Keep(entryName, []byte("good")); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(f.path(entryName), 0); err != nil {
		t.Fatal(err)
	}
	err := f.Each(func(name string, _ []byte) { t.Errorf("%s was read", name) })
	if !errors.Is(err, errJournalCut) || !strings.Contains(err.Error(), entryName+journalSuffix) {
		t.Errorf("%v, want the file's name and that it was cut off", err)
	}
	if _, err := os.Stat(f.path(entryName)); err != nil {
		t.Error(err)
	}
}

// What the folder holds is bounded.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for i := range maxJournal {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%032x%s", i, journalSuffix)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := files(folder).Keep(entryName, []byte("x")); !errors.Is(err, errJournalFull) {
		t.Errorf("%v", err)
	}
}

// Entries that are none of ours are left alone: of another account, version or
// name.
func TestResumeLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]string{
		"garbage":         "{",
		"another version": `{"Version":3,"Account":"main","AppID":"` + testAppID + `","Withdrawal":{"Key":"` + entryName + `"}}`,
		"another account": `{"Version":1,"Account":"other","AppID":"` + testAppID + `","Withdrawal":{"Key":"` + entryName + `"}}`,
		"another app id":  `{"Version":1,"Account":"main","AppID":"wxother","Withdrawal":{"Key":"` + entryName + `"}}`,
		"another name":    `{"Version":1,"Account":"main","AppID":"` + testAppID + `","Withdrawal":{"Key":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journal := &notes{of: map[string][]byte{entryName: []byte(entry)}}
			s := newScene(t, func(s *scene) { s.Journal = journal })
			if err := s.Resume(); err != nil || s.Waiting() != 0 || len(journal.of) != 1 {
				t.Errorf("%v, %d wait, %d are kept", err, s.Waiting(), len(journal.of))
			}
		})
	}
}
