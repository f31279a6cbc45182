//go:build linux

package doctor

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A backup that was restored by root has files that the server's user cannot
// read, or that others can: the doctor says so, for the ledger and the keys,
// before the server does not start.
func TestFolderOfARestoredBackup(t *testing.T) {
	t.Parallel()
	const ledger, keys = "ledger.db", "session_keys.json"
	for name, c := range map[string]struct {
		modes map[string]os.FileMode
		want  Status
		words string
	}{
		"well":                    {map[string]os.FileMode{ledger: 0o600, keys: 0o600}, Pass, ""},
		"nothing yet":             {nil, Pass, ""},
		"the ledger is readable":  {map[string]os.FileMode{ledger: 0o644, keys: 0o600}, Warning, ledger},
		"the keys are readable":   {map[string]os.FileMode{ledger: 0o600, keys: 0o640}, Warning, keys},
		"the ledger is another's": {map[string]os.FileMode{ledger: 0, keys: 0o600}, Failure, ledger},
		"the keys are another's":  {map[string]os.FileMode{ledger: 0o600, keys: 0}, Failure, keys},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for _, open := range []string{filepath.Dir(folder), folder} { // for the user of the thread
				if err := os.Chmod(open, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			for file, mode := range c.modes {
				path := filepath.Join(folder, file)
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if os.Getuid() == 0 && mode != 0 {
					if err := os.Chown(path, nobody, nobody); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			v := &visit{Setup: &Setup{Folders: []Folder{{Path: folder, Files: []string{ledger, keys}}}}}
			asNobody(t, func() { v.folders(t.Context()) })
			if f := v.found[0]; len(v.found) != 1 || f.Status != c.want || !strings.Contains(f.Says.English, c.words) {
				t.Errorf("%+v, want %s about %q", v.found, c.want, c.words)
			}
		})
	}
}

// nobody is a user without rights.
const nobody = 65534

// asNobody runs do on a thread of a user without rights, if this is root. The
// thread ends with it.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread()
		var failed syscall.Errno
		if os.Getuid() == 0 {
			_, _, failed = syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody)
		}
		if failed == 0 {
			do()
		}
		done <- failed
	}()
	if failed := <-done; failed != 0 {
		t.Fatal(failed)
	}
}
