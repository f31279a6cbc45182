package ledger

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// BanSet holds all bans of a ledger in memory. The zero value is ready.
type BanSet struct {
	any    atomic.Bool // there is a ban: read at each sign-in
	mu     sync.RWMutex
	byID   map[string]*Ban // each Ban is replaced, never changed
	byMark map[Mark][]*Ban
	keys   map[BanKey]int // how many bans have a key
}

// Has reports whether one of the person's names is banned.
func (s *BanSet) Has(p *Person) bool {
	if !s.any.Load() {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for key := range s.keys {
		for _, m := range key.marksOf(p) {
			if len(s.byMark[m]) > 0 {
				return true
			}
		}
	}
	return false
}

// Of returns the bans of a person, oldest first.
func (s *BanSet) Of(p *Person) []Ban {
	return s.having(func(key *BanKey) []Mark { return key.marksOf(p) })
}

// Naming returns the bans of whom a text names: by an id, a unionid, or an
// openid of any app id that has a banned openid.
func (s *BanSet) Naming(text string) []Ban {
	apps := map[string]bool{}
	for _, b := range s.All() {
		for _, app := range b.Apps {
			apps[app] = true
		}
	}
	return s.having(func(key *BanKey) []Mark {
		marks := []Mark{key.personMark(text), key.unionIDMark(text)}
		for app := range apps {
			marks = append(marks, key.openIDMark(app, text))
		}
		return marks
	})
}

// having returns the bans that have one of the marks, oldest first.
func (s *BanSet) having(marks func(*BanKey) []Mark) []Ban {
	if !s.any.Load() {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := map[string]Ban{}
	for key := range s.keys {
		for _, m := range marks(&key) {
			for _, b := range s.byMark[m] {
				found[b.ID] = *b
			}
		}
	}
	return oldestFirst(slices.Collect(maps.Values(found)))
}

// All returns all bans, oldest first.
func (s *BanSet) All() []Ban {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Ban, 0, len(s.byID))
	for _, b := range s.byID {
		all = append(all, *b)
	}
	return oldestFirst(all)
}

func oldestFirst(all []Ban) []Ban {
	slices.SortFunc(all, func(a, b Ban) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// Put adds bans, or puts them in the place of former ones with the same ids. It
// reports whether anything changed.
func (s *BanSet) Put(all ...Ban) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all = slices.DeleteFunc(slices.Clone(all), func(b Ban) bool {
		known := s.byID[b.ID]
		return known != nil && reflect.DeepEqual(*known, b)
	})
	s.put(all)
	return len(all) > 0
}

func (s *BanSet) put(all []Ban) {
	if s.byID == nil {
		s.byID, s.byMark, s.keys = map[string]*Ban{}, map[Mark][]*Ban{}, map[BanKey]int{}
	}
	for _, b := range all {
		s.drop(b.ID)
		s.byID[b.ID] = &b
		s.keys[b.Key]++
		for _, m := range b.Marks {
			s.byMark[m] = append(s.byMark[m], &b)
		}
	}
	s.any.Store(len(s.byID) > 0)
}

// Drop removes bans, and reports whether there was one of them.
func (s *BanSet) Drop(ids ...string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		changed = changed || s.byID[id] != nil
		s.drop(id)
	}
	s.any.Store(len(s.byID) > 0)
	return changed
}

func (s *BanSet) drop(id string) {
	b := s.byID[id]
	if b == nil {
		return
	}
	delete(s.byID, id)
	if s.keys[b.Key]--; s.keys[b.Key] == 0 {
		delete(s.keys, b.Key)
	}
	for _, m := range b.Marks {
		s.byMark[m] = slices.DeleteFunc(s.byMark[m], func(other *Ban) bool { return other == b })
		if len(s.byMark[m]) == 0 {
			delete(s.byMark, m)
		}
	}
}

// Reset puts these bans in the place of all others.
func (s *BanSet) Reset(all []Ban) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID = nil
	s.put(all)
}

// Ban returns the bans to be stored when a person is banned: a new one, or
// those of the person that do not have all names yet. ErrTooMany.
func (s *BanSet) Ban(p *Person, at time.Time) ([]Ban, error) {
	if len(s.Of(p)) > 0 {
		return s.Following(p, false), nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.byID) >= MaxBans {
		return nil, fmt.Errorf("%w: %d", ErrTooMany, len(s.byID))
	}
	b := Ban{ID: NewID(), Person: p.ID, At: at.UTC().Truncate(time.Second), Key: newBanKey()}
	for key := range s.keys {
		b.Key = key
		break
	}
	b.cover(p)
	return []Ban{b}, nil
}

// Following returns the bans to be stored when a person loses a name, or is
// erased: they have marks of all names. After an erasure a ban names no person
// any more.
func (s *BanSet) Following(p *Person, erased bool) (changed []Ban) {
	for _, b := range s.Of(p) {
		if b, follows := b.Following(p, erased); follows {
			changed = append(changed, b)
		}
	}
	return changed
}

// Import returns the ban to be stored for one of another ledger; ok is false if
// there is nothing to store. Errors: ErrInvalid, ErrConflict, ErrTooMany.
func (s *BanSet) Import(b Ban) (_ Ban, ok bool, err error) {
	if err := b.Check(); err != nil {
		return Ban{}, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if known := s.byID[b.ID]; known != nil {
		if known.Key != b.Key {
			return Ban{}, false, fmt.Errorf("%w: the ban is known already, with another key", ErrConflict)
		}
		both, changed := known.with(&b)
		return both, changed, nil
	}
	_, shared := s.keys[b.Key]
	if len(s.byID) >= MaxBans || !shared && len(s.keys) >= maxBanKeys {
		return Ban{}, false, fmt.Errorf("%w: %d, with %d keys", ErrTooMany, len(s.byID), len(s.keys))
	}
	return b, true, nil
}
