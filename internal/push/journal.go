package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Journal keeps pushes that were answered `success` and that the ledger does
// not have yet, so that they survive a restart. Its methods may be called
// concurrently.
type Journal interface {
	// Keep writes an entry under a name of 32 hexadecimal digits, in the place
	// of the one with this name. The entry is on the disk when Keep returns.
	Keep(name string, entry []byte) error
	// Remove removes an entry. A missing entry is not an error.
	Remove(name string) error
	// Each calls fn with every entry that can be read. Its error says how many
	// cannot.
	Each(fn func(name string, entry []byte)) error
}

// entryVersion is the newest version of the entries' format. Version 1 does not
// say who follows an account. An entry is written in the oldest version that
// can hold it.
const entryVersion = 2

// journalEntry is a step as the journal keeps it.
type journalEntry struct {
	Version    int
	Account    string // its name
	AppID      string
	Event      string
	Withdrawal ledger.Withdrawal
	UnionID    string            `json:",omitempty"`
	Refetch    bool              `json:",omitempty"`
	Following  *ledger.Following `json:",omitempty"`
}

var errNoJournal = errors.New("push: there is no journal")

// keep writes a step into the journal, unless it is done or already there. If
// it returns nil, the step survives a restart.
func (h *Handler) keep(s *step) error {
	s.journal.Lock()
	defer s.journal.Unlock()
	if s.kept || s.over {
		return nil
	}
	if h.Journal == nil {
		return errNoJournal
	}
	entry, err := s.entry()
	if err != nil {
		return err
	}
	if err := h.Journal.Keep(s.withdrawal.Key, entry); err != nil {
		return err
	}
	s.kept = true
	return nil
}

// entry writes a step as the journal keeps it.
func (s *step) entry() ([]byte, error) {
	version := 1
	if s.following != nil {
		version = entryVersion
	}
	entry, err := json.Marshal(journalEntry{
		Version: version, Account: s.account.Name, AppID: s.account.Keys.AppID, Event: s.name,
		Withdrawal: s.withdrawal, UnionID: s.unionID, Refetch: s.refetch, Following: s.following,
	})
	if err != nil {
		return nil, fmt.Errorf("push: writing an entry of the journal: %w", err)
	}
	return entry, nil
}

// settled marks a step as done or refused, and removes it from the journal.
func (h *Handler) settled(s *step) {
	s.journal.Lock()
	defer s.journal.Unlock()
	s.over = true
	if !s.kept {
		return
	}
	if err := h.Journal.Remove(s.withdrawal.Key); err != nil {
		h.warn(s.account, "could not remove a completed push from the journal", err) // the ledger ignores the repetition
	}
}

// Resume continues the steps in the journal. Entries of accounts that are not
// configured stay there. Call it once, before the first push.
func (h *Handler) Resume() error {
	h.init()
	if h.Journal == nil {
		return nil
	}
	n := 0
	err := h.Journal.Each(func(name string, raw []byte) {
		var entry journalEntry
		if json.Unmarshal(raw, &entry) != nil || entry.Version < 1 || entry.Version > entryVersion || entry.Withdrawal.Key != name {
			h.Logger.Warn("an entry of the push journal cannot be read; a newer gateway may have written it", slog.String("push", name))
			return
		}
		a := h.Accounts[entry.Account]
		if a == nil || a.Keys.AppID != entry.AppID {
			h.Logger.Warn("the push journal has an entry for an account that is not configured", slog.String("push", name))
			return
		}
		e := event{account: a, name: entry.Event, withdrawal: entry.Withdrawal, unionID: entry.UnionID, refetch: entry.Refetch && h.Refetch != nil, following: entry.Following}
		if h.accept(e, true) != nil {
			n++
		}
	})
	if n > 0 {
		h.Logger.Info("resuming pushes from before the start", slog.Int("number", n))
	}
	if err != nil {
		return fmt.Errorf("push: reading the journal: %w", err)
	}
	return nil
}
