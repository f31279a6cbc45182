package ledger

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Targets are the systems that receive events now. The zero value has none.
type Targets struct {
	mu  sync.RWMutex
	all []Target
}

// Set sets the targets of events from now on. It ignores targets with an
// invalid name.
func (t *Targets) Set(all []Target) {
	var kept []Target
	for _, one := range all {
		if targetName(one.Name) {
			kept = append(kept, Target{one.Name, slices.Clone(one.Kinds)})
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = kept
}

// Wanting returns the names of the targets that want a kind.
func (t *Targets) Wanting(kind EventKind) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var names []string
	for _, one := range t.all {
		if (len(one.Kinds) == 0 || slices.Contains(one.Kinds, kind)) && !slices.Contains(names, one.Name) {
			names = append(names, one.Name)
		}
	}
	return names
}

func targetName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 &&
		!strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

// CheckTarget returns ErrInvalid if name cannot be the name of a target.
func CheckTarget(name string) error {
	if !targetName(name) {
		return fmt.Errorf("%w: a target's name has 1 to 64 of a-z, 0-9 and -", ErrInvalid)
	}
	return nil
}

// Notice is an event and the targets that receive it.
type Notice struct {
	Event   Event
	Line    string   // events of one line are delivered in order
	Aliases []string // ids whose lines were joined to this one
	To      []string // names of targets; never empty
}

// Notices returns a notice for each event that a target wants, in the line of
// the person, which the lines of older ids join. p is nil if no person is
// known.
func (t *Targets) Notices(p *Person, events ...Event) []Notice {
	var all []Notice
	for _, e := range events {
		to := t.Wanting(e.Kind)
		if len(to) == 0 {
			continue
		}
		if e.ID == "" {
			e.ID = NewID()
		}
		n := Notice{Event: e, Line: LineOf(&e), To: to}
		if p != nil {
			n.Line, n.Aliases = PersonLine(p.ID), p.Merged
		}
		all = append(all, n)
	}
	return all
}

// LineLength is the length of the name of a line: a letter, and an id.
const LineLength = 1 + IDLength

// PersonLine returns the line of a person's events.
func PersonLine(id string) string { return "p" + id }

// LineOf returns the line of an event by its fields alone. An event without a
// person has its own line.
func LineOf(e *Event) string {
	if e.Person == "" {
		return "e" + e.ID
	}
	return PersonLine(e.Person)
}
