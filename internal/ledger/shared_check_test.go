package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// posted is what one target's queue says, in the words of both kinds of store.
type posted struct {
	waiting map[string]Delivery // by id
	lines   map[string][]string // ids in order
	lineOf  map[string]string   // by id, as the entries say
	due     []string            // ids
	dead    map[string]Delivery
	buried  []string // ids
	counted [2]int   // waiting, dead

	kinds, deadKinds map[string]EventKind // by id, as the indexes say
}

// check reports every contradiction within a queue.
func (p *posted) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("outbox: "+format, args...)) }
	if p.counted != [2]int{len(p.waiting), len(p.dead)} {
		fault("counted %v, there are %d and %d", p.counted, len(p.waiting), len(p.dead))
	}
	var heads []string
	inLines := 0
	for line, ids := range p.lines {
		heads = append(heads, ids[0])
		inLines += len(ids)
		for _, id := range ids {
			if p.lineOf[id] != line {
				fault("%s stands in %s and says %s", id, line, p.lineOf[id])
			}
		}
	}
	if inLines != len(p.waiting) {
		fault("%d wait, %d stand in lines", len(p.waiting), inLines)
	}
	same := func(what string, a, b []string) {
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			fault("%s: %v and %v", what, a, b)
		}
	}
	same("first of the lines, and due", heads, slices.Clone(p.due))
	same("dead and buried", slices.Collect(maps.Keys(p.dead)), slices.Clone(p.buried))
	errs = append(errs, kindsFault("wait", p.waiting, p.kinds), kindsFault("are dead", p.dead, p.deadKinds))
	return errors.Join(errs...)
}

func newPosted() *posted {
	return &posted{waiting: map[string]Delivery{}, lines: map[string][]string{}, lineOf: map[string]string{}, dead: map[string]Delivery{}}
}

// kindsFault reports a contradiction between the events and an index by kind, which lists them by id.
func kindsFault(what string, all map[string]Delivery, index map[string]EventKind) error {
	var errs []error
	if len(all) != len(index) {
		errs = append(errs, fmt.Errorf("outbox: %d %s, %d in the index by kind", len(all), what, len(index)))
	}
	for id, d := range all {
		if index[id] != d.Kind {
			errs = append(errs, fmt.Errorf("outbox: %s is %s, the index by kind says %q", id, d.Kind, index[id]))
		}
	}
	return errors.Join(errs...)
}

// numbersOf counts events by kind.
func numbersOf(all map[string]Delivery) map[EventKind]int {
	n := map[EventKind]int{}
	for _, d := range all {
		n[d.Kind]++
	}
	return n
}
