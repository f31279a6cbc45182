package push

import (
	"log/slog"
	"maps"
	"slices"
)

// Reseal writes the entries of the journal anew, after the keys of the journal
// were replaced: a later process has the new keys alone, and could not open
// what the old ones sealed. It returns how many entries it has written.
func (h *Handler) Reseal() (written int) {
	h.init()
	var failed error
	missed := 0
	for _, s := range h.steps() {
		switch done, err := h.reseal(s); {
		case err != nil:
			missed++
			failed = err
		case done:
			written++
		}
	}
	if missed > 0 {
		// The step goes on in memory. It is lost if the process ends before the
		// ledger has it.
		h.Logger.Error("pushes in the journal could not be sealed with the new session key", slog.Int("number", missed), slog.Any("error", failed))
	}
	return written
}

// steps returns the steps in progress: of the others the journal has no entry. A
// step that waits for long is not in recent any more.
func (h *Handler) steps() []*step {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.running))
}

// reseal writes the entry of a step, if there is one.
func (h *Handler) reseal(s *step) (bool, error) {
	s.journal.Lock()
	defer s.journal.Unlock()
	if !s.kept || s.over || h.Journal == nil {
		return false, nil
	}
	entry, err := s.entry()
	if err == nil {
		err = h.Journal.Keep(s.withdrawal.Key, entry)
	}
	return err == nil, err
}
