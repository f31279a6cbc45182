package boltledger

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

func testPath(t testing.TB) string { return filepath.Join(t.TempDir(), "new", "folder", "ledger.db") }

// testBolt opens a ledger that is closed when the test ends.
func testBolt(t testing.TB, path string) *Ledger {
	t.Helper()
	b, err := open(path, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func mustSee(t testing.TB, b *Ledger, s ledger.Observation) ledger.Person {
	t.Helper()
	p, err := b.Observe(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOpenCreatesPrivately(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	testBolt(t, path)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	_, err := open(path, 50*time.Millisecond)
	if !errors.Is(err, ledger.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("second opener: %v, want ErrLocked and the file's name", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	testBolt(t, path)
}

func TestOpenWaitsForOwner(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	time.AfterFunc(100*time.Millisecond, func() { b.Close() })
	next, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	next.Close()
}

func TestOpenRefusesFiles(t *testing.T) {
	t.Parallel()
	edit := func(fn func(tx *bolt.Tx) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			db, err := bolt.Open(path, 0o600, nil)
			if err == nil {
				err = errors.Join(db.Update(fn), db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	ours := func(fn func(tx *bolt.Tx) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b := testBolt(t, path)
			mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
			b.Close()
			edit(fn)(t, path)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"text": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("not a ledger\n"), 4000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ledger.ErrCorrupt},
		"folder": {func(t *testing.T, path string) { os.Mkdir(path, 0o700) }, ledger.ErrUnavailable},
		"someone else's": {edit(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("certificates"))
			return err
		}), ledger.ErrCorrupt},
		"someone else's person": {edit(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket(bucketPerson)
			return err
		}), ledger.ErrCorrupt},
		"newer":         {ours(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySchema, []byte("2")) }), ledger.ErrCorrupt},
		"table missing": {ours(func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketAlias) }), ledger.ErrCorrupt},
		"bad tombstone": {ours(func(tx *bolt.Tx) error { return tx.Bucket(bucketEnded).Put([]byte("x"), nil) }), ledger.ErrCorrupt},
		"cut off": {func(t *testing.T, path string) {
			ours(func(*bolt.Tx) error { return nil })(t, path)
			if err := os.Truncate(path, 3*int64(os.Getpagesize())); err != nil {
				t.Fatal(err)
			}
		}, ledger.ErrCorrupt},
		"a byte": {func(t *testing.T, path string) { truncated(t, path, 1) }, ledger.ErrCorrupt},
		"a page": {func(t *testing.T, path string) { truncated(t, path, os.Getpagesize()) }, ledger.ErrCorrupt},
		"zeros":  {func(t *testing.T, path string) { truncated(t, path, 32<<10) }, ledger.ErrCorrupt},
		"empty":  {func(t *testing.T, path string) { truncated(t, path, 0) }, ledger.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ledger.db")
			c.make(t, path)
			for range 2 { // and the failure leaves no lock behind
				_, err := open(path, 10*time.Second)
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("%v, want %v and the file's name", err, c.want)
				}
			}
		})
	}
}

// truncated makes a file of so many zero bytes.
func truncated(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A disk that was full, or a copy that was broken off, leaves a file of 0
// bytes. Taken for a new ledger, it would give every person another id.
func TestOpenRefusesAnEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	truncated(t, path, 0)
	_, err := Open(path)
	const want = "it was cut off; restore the backup, or remove the file to begin anew"
	if !errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v, want ErrCorrupt with the file's name and %q", err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("the file is touched: %v, %v", info, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	testBolt(t, path) // as it says
}

// A new ledger has its name only when it is whole, so that no crash leaves one
// of 0 bytes; and of all who make it at once, each finds the same one.
func TestOpenCreatesWhole(t *testing.T) {
	t.Parallel()
	for range 20 {
		path := testPath(t)
		var opening sync.WaitGroup
		for range 4 {
			opening.Go(func() {
				b, err := Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		opening.Wait()
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 1 {
			t.Errorf("in the folder are %q, %v", left, err)
		}
	}
}

// TestCorruptIsNotAbsent: a damaged record or index must never look like an
// unknown person, nor lead to another.
func TestCorruptIsNotAbsent(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(tx *bolt.Tx, p, other ledger.Person) error{
		"garbage": func(tx *bolt.Tx, p, _ ledger.Person) error {
			return tx.Bucket(bucketPerson).Put([]byte(p.ID), []byte("garbage"))
		},
		"gone": func(tx *bolt.Tx, p, _ ledger.Person) error { return tx.Bucket(bucketPerson).Delete([]byte(p.ID)) },
		"another's record": func(tx *bolt.Tx, p, other ledger.Person) error {
			b := tx.Bucket(bucketPerson)
			return b.Put([]byte(p.ID), bytes.Clone(b.Get([]byte(other.ID))))
		},
		"indexes to another": func(tx *bolt.Tx, p, other ledger.Person) error {
			return errors.Join(tx.Bucket(bucketOpenID).Put(ledger.OpenIDKey("wxA", "oA"), []byte(other.ID)),
				tx.Bucket(bucketUnionID).Put([]byte("u"), []byte(other.ID)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := testBolt(t, testPath(t))
			p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
			other := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oB", UnionID: "u2"})
			if err := b.file.db.Update(func(tx *bolt.Tx) error { return damage(tx, p, other) }); err != nil {
				t.Fatal(err)
			}
			_, find := b.FindUnionID(t.Context(), "u")
			_, openID := b.FindOpenID(t.Context(), "wxA", "oA")
			_, see := b.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oA"})
			_, join := b.Observe(t.Context(), ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u"})
			for _, err := range []error{find, openID, see, join} {
				if !errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, ledger.ErrNotFound) {
					t.Errorf("%v, want ErrCorrupt", err)
				}
			}
			if q := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oB", UnionID: "u2"}); q.ID != other.ID {
				t.Error("the damage spread")
			}
		})
	}
}

// TestFileShrinks: a memory-mapped file that is cut under our feet faults the
// processor. That must be an error of the ledger, not the end of the web
// server, and nobody may wait for a lock that bbolt died with.
func TestFileShrinks(t *testing.T) {
	t.Parallel()
	for _, pages := range []int64{0, 1, 2, 3, 4} {
		path := testPath(t)
		b := testBolt(t, path)
		p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
		for i := range 50 {
			mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i)})
		}
		if err := os.Truncate(path, pages*int64(os.Getpagesize())); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the first may break bbolt; the second must not hang
			if _, err := b.Find(t.Context(), p.ID); !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("%d pages: Find: %v", pages, err)
			}
			if _, err := b.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oB"}); !errors.Is(err, ledger.ErrUnavailable) {
				t.Errorf("%d pages: See: %v", pages, err)
			}
			id := [16]byte{1}
			if err := b.EndSession(t.Context(), id, time.Now().Add(time.Hour)); !errors.Is(err, ledger.ErrUnavailable) {
				t.Errorf("%d pages: EndSession: %v", pages, err)
			}
			if !b.Ended(id) {
				t.Errorf("%d pages: a logout did not hold because the disk failed", pages)
			}
		}
		if err := b.Close(); err != nil && !errors.Is(err, ledger.ErrUnavailable) {
			t.Errorf("%d pages: Close: %v", pages, err)
		}
	}
}

func TestGenerationAndWrites(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	txid := func() (id int) {
		b.file.db.View(func(tx *bolt.Tx) error { id = tx.ID(); return nil })
		return id
	}
	if b.Generation() == 0 {
		t.Error("a generation of 0 looks like one never read")
	}
	for i, c := range []struct {
		s           ledger.Observation
		news, write bool
	}{
		{ledger.Observation{AppID: "wxA", OpenID: "oA"}, true, true},
		{ledger.Observation{AppID: "wxA", OpenID: "oA"}, false, false},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", At: at.Add(59 * time.Minute)}, false, false},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", At: at.Add(time.Hour)}, false, true},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"}, true, true},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", Consent: true}, true, true},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", Consent: true}, false, false},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: "n"}}, true, true},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: "n"}}, false, false},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: "微信用户"}}, false, false},
		{ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: "n", AvatarURL: "https://a"}}, true, true},
		{ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u"}, true, true},
		{ledger.Observation{AppID: "wxB", OpenID: "oX", UnionID: "u"}, true, true},
		{ledger.Observation{AppID: "wxB", OpenID: "oX", UnionID: "u"}, false, false}, // doubted, every time
		{ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u2"}, true, true},
	} {
		if c.s.At.IsZero() {
			c.s.At = at
		}
		gen, tx := b.Generation(), txid()
		mustSee(t, b, c.s)
		if news, write := b.Generation() > gen, txid() > tx; news != c.news || write != c.write {
			t.Errorf("%d: news %v, write %v; want %v, %v", i, news, write, c.news, c.write)
		}
	}
	gen := b.Generation()
	b.EndSession(t.Context(), [16]byte{1}, time.Now().Add(time.Hour))
	if b.Generation() != gen {
		t.Error("the end of a session is no change of a person")
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	var out bytes.Buffer
	b.Logger = slog.New(slog.NewTextHandler(&out, nil))
	steps := []struct {
		openID, unionID string
		lines           int
	}{{"oSECRET", "", 0}, {"oSECRET", "uSECRET", 0}, {"oSECRET2", "uSECRET", 1}, {"oSECRET", "uSECRET2", 2}, {"oSECRET", "uSECRET2", 2}}
	for i, c := range steps {
		mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: c.openID, UnionID: c.unionID, Profile: &ledger.Profile{Nickname: fmt.Sprint("SECRET", i)}})
		if got := strings.Count(out.String(), "\n"); got != c.lines {
			t.Errorf("step %d: %d lines, want %d:\n%s", i, got, c.lines, &out)
		}
	}
	if strings.Contains(out.String(), "SECRET") {
		t.Errorf("personal data in the log:\n%s", &out)
	}
}
