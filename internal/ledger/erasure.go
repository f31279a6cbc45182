package ledger

import (
	"slices"
	"time"
)

// Erasure returns the event of an erased person. It names every id by which a
// receiver may know the person, because the older events, which named them, are
// removed: see [Rights].
func Erasure(p *Person) Event {
	e := Event{
		ID: NewID(), Kind: Erased, Person: p.ID, Aliases: slices.Clone(p.Merged), UnionID: p.UnionID,
		At: time.Now().UTC().Truncate(time.Second),
	}
	for _, a := range p.Accounts {
		e.Accounts = append(e.Accounts, AccountID{a.AppID, a.OpenID})
	}
	return e
}

// outlasting are the kinds of events that stay in the queue of a target that
// does not get the notice of an erasure: the law wants them delivered, and
// without Merged the receiver would not find the record that they are about.
var outlasting = []EventKind{Merged, Revoked, Cancelled, ProfileChanged}

// Supersession says which of the older events of an erased person leave the
// queue of one target.
type Supersession struct {
	// Keep are kinds of events that stay.
	Keep []EventKind
	// KeepUnnamed are kinds of events that stay if they are about an openid that
	// is not in Accounts: the notice does not name it, because the person no
	// longer had it.
	KeepUnnamed []EventKind
	Accounts    []AccountID
	// Leave says that the notice of the erasure is left in the queue if an event
	// was removed, although the target does not want it now: it is not
	// configured, but may be again.
	Leave bool
}

// Supersede returns what an erasure does to the queue of a target. notice is
// its event.
func (t *Targets) Supersede(target string, notice *Event) Supersession {
	t.mu.RLock()
	configured := slices.ContainsFunc(t.all, func(one Target) bool { return one.Name == target })
	t.mu.RUnlock()
	s := Supersession{KeepUnnamed: []EventKind{Revoked, Cancelled, ProfileChanged}, Accounts: notice.Accounts, Leave: !configured}
	if configured && !slices.Contains(t.Wanting(Erased), target) {
		s.Keep = outlasting
	}
	return s
}

// Stays reports whether an event with this kind and this openid stays.
func (s *Supersession) Stays(kind EventKind, about AccountID) bool {
	return slices.Contains(s.Keep, kind) ||
		about.OpenID != "" && slices.Contains(s.KeepUnnamed, kind) && !slices.Contains(s.Accounts, about)
}

// Names returns the names of all targets.
func (t *Targets) Names() (names []string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, one := range t.all {
		names = append(names, one.Name)
	}
	return names
}

// Lines returns the lines in which events of the person stand.
func (p *Person) Lines() (lines []string) {
	for _, id := range p.IDs() {
		lines = append(lines, PersonLine(id))
	}
	return lines
}
