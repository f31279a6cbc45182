package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Journal keeps pushes that were answered `success` and that the ledger does not
// have yet, over restarts. Its methods may be called concurrently.
type Journal interface {
	// Keep writes an entry under a name of 32 hexadecimal digits. When it returns,
	// the entry is on the disk.
	Keep(name string, entry []byte) error
	// Remove removes an entry. One that is not there is no error.
	Remove(name string) error
	// Each gives every entry that can be read to fn.
	Each(fn func(name string, entry []byte)) error
}

// entryVersion is that of the entries.
const entryVersion = 1

// journalEntry is a step as the journal keeps it.
type journalEntry struct {
	Version    int
	Account    string // its name
	AppID      string
	Event      string
	Withdrawal ledger.Withdrawal
	UnionID    string `json:",omitempty"`
	Refetch    bool   `json:",omitempty"`
}

var errNoJournal = errors.New("push: there is no journal")

// keep writes a step down, unless it is done or kept already. After nil, the step
// outlives the process.
func (h *Handler) keep(s *step) error {
	s.journal.Lock()
	defer s.journal.Unlock()
	if s.kept || s.over {
		return nil
	}
	if h.Journal == nil {
		return errNoJournal
	}
	entry, err := json.Marshal(journalEntry{
		Version: entryVersion, Account: s.account.Name, AppID: s.account.Keys.AppID, Event: s.name,
		Withdrawal: s.withdrawal, UnionID: s.unionID, Refetch: s.refetch,
	})
	if err != nil {
		return fmt.Errorf("push: writing an entry of the journal: %w", err)
	}
	if err := h.Journal.Keep(s.withdrawal.Key, entry); err != nil {
		return err
	}
	s.kept = true
	return nil
}

// settled notes that a step is done, or never will be, and takes it out of the
// journal.
func (h *Handler) settled(s *step) {
	s.journal.Lock()
	defer s.journal.Unlock()
	s.over = true
	if !s.kept {
		return
	}
	if err := h.Journal.Remove(s.withdrawal.Key); err != nil {
		h.warn(s.account, "a push that is done is still in the journal", err) // done again, it is done once
	}
}

// Resume takes up what the journal keeps from before. Entries of accounts that are
// not configured stay where they are. Call it once, before the first push.
func (h *Handler) Resume() error {
	h.init()
	if h.Journal == nil {
		return nil
	}
	n := 0
	err := h.Journal.Each(func(name string, raw []byte) {
		var entry journalEntry
		if json.Unmarshal(raw, &entry) != nil || entry.Version != entryVersion || entry.Withdrawal.Key != name {
			h.Logger.Warn("an entry of the push journal cannot be read; a newer gateway may have written it", slog.String("push", name))
			return
		}
		a := h.Accounts[entry.Account]
		if a == nil || a.Keys.AppID != entry.AppID {
			h.Logger.Warn("the push journal has an entry of an account that is not configured", slog.String("push", name))
			return
		}
		if h.accept(event{account: a, name: entry.Event, withdrawal: entry.Withdrawal, unionID: entry.UnionID, refetch: entry.Refetch && h.Refetch != nil}, true) != nil {
			n++
		}
	})
	if n > 0 {
		h.Logger.Info("pushes from before the start are carried out", slog.Int("number", n))
	}
	if err != nil {
		return fmt.Errorf("push: reading the journal: %w", err)
	}
	return nil
}
