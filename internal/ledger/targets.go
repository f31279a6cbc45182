package ledger

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Targets are who hears of events. The zero value is nobody.
type Targets struct {
	mu  sync.RWMutex
	all []Target
}

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

// Wanting returns the names of those who hear of a kind.
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

func CheckTarget(name string) error {
	if !targetName(name) {
		return fmt.Errorf("%w: a target's name has 1 to 64 of a-z, 0-9 and -", ErrInvalid)
	}
	return nil
}

// Notice is an event and who is to hear of it.
type Notice struct {
	Event   Event
	Line    string   // events of one line are delivered in order
	Aliases []string // ids whose lines have become part of this one
	To      []string // names of targets; never empty
}

// Notices returns those of the events that somebody wants. They stand in the line of the person, whose older ids'
// lines go with it. p is nil where nobody is known.
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

// LineLength is the length of a line's name: a letter, and an id.
const LineLength = 1 + IDLength

func PersonLine(id string) string { return "p" + id }

// LineOf is the line of an event about which nothing else is known. One without a person has a line of its own.
func LineOf(e *Event) string {
	if e.Person == "" {
		return "e" + e.ID
	}
	return PersonLine(e.Person)
}
