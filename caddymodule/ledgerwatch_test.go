package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// watched is a watch over a ledger that a test can replace.
type watched struct {
	ledgerWatch
	ledger string // its id; "" does not answer
	log    bytes.Buffer
}

func newWatched(storage session.KeyStorage, place string) *watched {
	w := new(watched)
	w.known = knownLedgers{storage: storage, place: place}
	w.logger = slog.New(slog.NewTextHandler(&w.log, nil))
	w.identity = func(context.Context) (string, error) {
		if w.ledger == "" {
			return "", errors.New("no answer")
		}
		return w.ledger, nil
	}
	return w
}

// sees looks, and checks what the log says: "" is nothing.
func (w *watched) sees(t *testing.T, ledger, level string) {
	t.Helper()
	w.ledger = ledger
	w.log.Reset()
	w.look(t.Context())
	said := w.log.String()
	if level == "" && said != "" || level != "" && (!strings.Contains(said, "level="+level+" ") || strings.Count(said, "\n") != 1) {
		t.Errorf("the ledger is %q, and the log says %q, want one line at %q", ledger, said, level)
	}
	if shown := w.replacedAt() != nil; shown != (level != "") && ledger != "" {
		t.Errorf("the ledger is %q: shown as replaced: %t", ledger, shown)
	}
}

// A ledger that takes the place of another is an ERROR, and a WARN at each
// start for a week. The one of before, restored, is none; a first one, another
// place, and a store that does not answer are none.
func TestLedgerWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := mapStorage{}
		start := func(place string) *watched { return newWatched(storage, place) }
		w := start("redis")
		w.sees(t, "", "")
		w.sees(t, "first", "")
		w.sees(t, "", "")
		w.sees(t, "first", "")
		w.sees(t, "empty", "ERROR")
		w.ledger = "empty"
		if w.look(t.Context()); strings.Count(w.log.String(), "\n") != 1 {
			t.Errorf("said again without a change: %s", &w.log)
		}
		start("redis").sees(t, "empty", "WARN")
		start("another redis").sees(t, "another", "")
		start("redis").sees(t, "first", "") // restored
		start("redis").sees(t, "empty", "WARN")
		time.Sleep(replacedFor + time.Minute)
		start("redis").sees(t, "empty", "")
		start("redis").sees(t, "third", "ERROR")
		start("redis").sees(t, "empty", "")
	})
}

// The list stays small, and what cannot be understood is no reason to fail.
func TestKnownLedgers(t *testing.T) {
	t.Parallel()
	storage := mapStorage{}
	k := knownLedgers{storage: storage, place: "here"}
	if err := storage.Store(t.Context(), knownLedgersName, []byte(`{"places":`)); err != nil {
		t.Fatal(err)
	}
	note := func(k knownLedgers, id string, first, isNew bool) {
		t.Helper()
		since, fresh, err := k.note(t.Context(), id)
		if err != nil || fresh != isNew || since.IsZero() != first {
			t.Errorf("%s: %v %t %v, want the first %t, new %t", id, since, fresh, err, first, isNew)
		}
	}
	note(k, "first", true, false)
	for i := range 30 {
		note(k, strings.Repeat("x", i+1), false, true)
		note(knownLedgers{k.storage, strings.Repeat("y", i+1)}, "there", true, false)
		note(k, "first", true, false)
		if i == 10 { // so many places that the list begins anew
			break
		}
	}
	for i := range maxPlaces + 3 {
		note(knownLedgers{k.storage, strings.Repeat("z", i+1)}, "there", true, false)
	}
	data, err := storage.Load(t.Context(), knownLedgersName)
	if err != nil || len(data) > 8<<10 || bytes.Contains(data, []byte("zzz")) {
		t.Errorf("%d bytes, %v:\n%s", len(data), err, data)
	}
	// Without its storage it fails, and does not say that a ledger is new.
	if _, isNew, err := (knownLedgers{storage: deafStorage{}}).note(t.Context(), "first"); err == nil || isNew {
		t.Errorf("a storage that fails: %t %v", isNew, err)
	}
	// A process that has seen the other ledger says so all the same.
	w := newWatched(storage, "here")
	w.known.storage = deafStorage{}
	w.seen = "first"
	w.sees(t, "empty", "ERROR")
}

// mapStorage is a storage in memory, for one goroutine.
type mapStorage map[string][]byte

func (m mapStorage) Load(_ context.Context, name string) ([]byte, error) {
	value, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return value, nil
}

func (m mapStorage) Store(_ context.Context, name string, value []byte) error {
	m[name] = value
	return nil
}

func (mapStorage) Lock(context.Context, string) error   { return nil }
func (mapStorage) Unlock(context.Context, string) error { return nil }

// deafStorage fails.
type deafStorage struct{}

func (deafStorage) Load(context.Context, string) ([]byte, error) { return nil, fs.ErrPermission }
func (deafStorage) Store(context.Context, string, []byte) error  { return fs.ErrPermission }
func (deafStorage) Lock(context.Context, string) error           { return fs.ErrPermission }
func (deafStorage) Unlock(context.Context, string) error         { return nil }
