package ledger

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// targets are who hears of events. The zero value is nobody.
type targets struct {
	mu  sync.RWMutex
	all []Target
}

func (t *targets) set(all []Target) {
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

// wanting returns the names of those who hear of a kind.
func (t *targets) wanting(kind EventKind) []string {
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

func checkTarget(name string) error {
	if !targetName(name) {
		return fmt.Errorf("%w: a target's name has 1 to 64 of a-z, 0-9 and -", ErrInvalid)
	}
	return nil
}

// notice is an event and who is to hear of it.
type notice struct {
	event   Event
	line    string   // events of one line are delivered in order
	aliases []string // ids whose lines have become part of this one
	to      []string // names of targets; never empty
}

// notices returns those of the events that somebody wants. They stand in the line of the person, whose older ids'
// lines go with it. p is nil where nobody is known.
func (t *targets) notices(p *Person, events ...Event) []notice {
	var all []notice
	for _, e := range events {
		to := t.wanting(e.Kind)
		if len(to) == 0 {
			continue
		}
		if e.ID == "" {
			e.ID = newID()
		}
		n := notice{event: e, line: lineOf(&e), to: to}
		if p != nil {
			n.line, n.aliases = personLine(p.ID), p.Merged
		}
		all = append(all, n)
	}
	return all
}

// lineLength is the length of a line's name: a letter, and an id.
const lineLength = 1 + idLength

func personLine(id string) string { return "p" + id }

// lineOf is the line of an event about which nothing else is known. One without a person has a line of its own.
func lineOf(e *Event) string {
	if e.Person == "" {
		return "e" + e.ID
	}
	return personLine(e.Person)
}
