package ledger

import (
	"log/slog"
	"sync"
	"time"
)

// goneAhead is how many seconds an end may be ahead of the clock, as much as
// the clocks of gateways may differ.
const goneAhead = 1

// EndedPersons holds in memory, for each person whose sessions were ended, the
// creation time up to which they are over. It is read on every request with a
// sealed session. The zero value is ready.
type EndedPersons struct {
	mu     sync.RWMutex
	of     map[string]endedMark
	born   time.Time // when the first was added
	sweep  int       // as in EndedSessions
	warned Warning
}

// PersonEnd is the tombstone of a person's sessions as it was given, in Unix
// seconds: sessions created until At are over, and it holds as long as Until.
type PersonEnd struct{ At, Until int64 }

// endedMark holds the end of one person. An end ahead of the clock counts as
// one of the moment at which it was received (attack: a gateway whose clock is
// ahead, or an import, ends all later sign-ins of the person).
type endedMark struct {
	PersonEnd               // At is 0 if the only known end is ahead
	ahead     int64         // the time that was given, 0 if there is none
	taken     time.Duration // when that was received, after EndedPersons.born
}

// ends returns the creation time up to which sessions are over. If the clock
// was corrected after an end was received, that moment moves with it: what
// counts is how long ago it was (attack: a gateway that starts with a clock of
// years ago would treat every end as ahead, and drop all of them for good).
func (m *endedMark) ends(now time.Time, sinceBorn time.Duration) int64 {
	if m.ahead == 0 {
		return m.At
	}
	return max(m.At, min(m.ahead, now.Add(m.taken-sinceBorn).Unix()))
}

// Has returns the time up to which a person's sessions are over, as one of the
// person or one of Everyone. The clock is read only if there is one.
func (g *EndedPersons) Has(person string, log *slog.Logger) time.Time {
	g.mu.RLock()
	m, one := g.of[person]
	everyone, all := g.of[Everyone]
	born := g.born
	g.mu.RUnlock()
	var own, common time.Time
	if one {
		own = g.at(&m, born, log)
	}
	if all {
		common = g.at(&everyone, born, log)
	}
	return later(own, common)
}

// at returns the time up to which sessions are over, zero if the tombstone has
// expired.
func (g *EndedPersons) at(m *endedMark, born time.Time, log *slog.Logger) time.Time {
	now := time.Now()
	if now.Unix() >= m.Until {
		return time.Time{}
	}
	at := m.ends(now, now.Sub(born))
	if at < m.ahead && log != nil && g.warned.Due(now) {
		log.Warn(endAhead, "ahead", time.Duration(m.ahead-now.Unix())*time.Second)
	}
	return time.Unix(at, 0).UTC()
}

// Knows reports whether adding a tombstone would change nothing.
func (g *EndedPersons) Knows(person string, e PersonEnd) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m, ok := g.of[person]
	return ok && m.Until >= e.Until && (m.At >= e.At || m.ahead == e.At)
}

const endAhead = "the end of a person's sessions lies in the future, and counts as now: " +
	"the clocks of the gateways differ, or an import had a time in the future"

// Add adds a tombstone. Of two for one person the later times win: a session
// that either of them ends is over.
func (g *EndedPersons) Add(person string, e PersonEnd) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.of == nil {
		g.of, g.sweep = make(map[string]endedMark), endedSweep
		g.born = now
	}
	m := g.of[person]
	m.Until = max(m.Until, e.Until)
	switch {
	case e.At <= now.Unix()+goneAhead:
		m.At = max(m.At, e.At)
	case e.At > m.ahead: // a tombstone that is read again keeps its age
		m.ahead, m.taken = e.At, now.Sub(g.born) // by the monotonic clock
	}
	g.of[person] = m
	if len(g.of) < g.sweep {
		return
	}
	for person, m := range g.of {
		if m.Until <= now.Unix() {
			delete(g.of, person)
		}
	}
	g.sweep = max(endedSweep, 2*len(g.of))
}

// NewPersonEnd rounds the times of an end; ok is false if there is nothing to
// remember. An end in the future counts as now: otherwise it would end later
// sign-ins.
func NewPersonEnd(at, until time.Time) (e PersonEnd, ok bool) {
	e.At = min(max(at.Unix(), 0), time.Now().Unix())
	e.Until, ok = UntilSecond(until)
	return e, ok
}

// All returns the ends that count now.
func (g *EndedPersons) All() map[string]PersonEnd {
	g.mu.RLock()
	defer g.mu.RUnlock()
	now, all := time.Now(), make(map[string]PersonEnd, len(g.of))
	for id, m := range g.of {
		all[id] = PersonEnd{At: m.ends(now, now.Sub(g.born)), Until: m.Until}
	}
	return all
}

// Imported returns the times of a person's tombstone as they are stored, and
// logs a tombstone of the future.
func (g *EndedPersons) Imported(t *Tombstone, log *slog.Logger) (e PersonEnd, ok bool) {
	e, ok = NewPersonEnd(t.At, t.Until)
	now := time.Now()
	if ahead := t.At.Sub(now); ahead > goneAhead*time.Second && log != nil && g.warned.Due(now) {
		log.Warn(endAhead, "ahead", ahead.Round(time.Second))
	}
	return e, ok
}
