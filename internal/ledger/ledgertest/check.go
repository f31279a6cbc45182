package ledgertest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Posted is the content of one target's queue, in a form for both kinds of
// store.
type Posted struct {
	Waiting map[string]ledger.Delivery // by id
	Lines   map[string][]string        // ids in order
	LineOf  map[string]string          // by id, from the entries
	Due     []string                   // ids
	Dead    map[string]ledger.Delivery
	Buried  []string // ids
	Counted [2]int   // waiting, dead

	Kinds, DeadKinds map[string]ledger.EventKind // by id, from the indexes
}

// Check reports every contradiction within a queue.
func (p *Posted) Check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("outbox: "+format, args...)) }
	if p.Counted != [2]int{len(p.Waiting), len(p.Dead)} {
		fault("counted %v, there are %d and %d", p.Counted, len(p.Waiting), len(p.Dead))
	}
	var heads []string
	inLines := 0
	for line, ids := range p.Lines {
		heads = append(heads, ids[0])
		inLines += len(ids)
		for _, id := range ids {
			if p.LineOf[id] != line {
				fault("%s stands in %s and says %s", id, line, p.LineOf[id])
			}
		}
	}
	if inLines != len(p.Waiting) {
		fault("%d wait, %d stand in lines", len(p.Waiting), inLines)
	}
	same := func(what string, a, b []string) {
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			fault("%s: %v and %v", what, a, b)
		}
	}
	same("first of the lines, and due", heads, slices.Clone(p.Due))
	same("dead and buried", slices.Collect(maps.Keys(p.Dead)), slices.Clone(p.Buried))
	errs = append(errs, kindsFault("wait", p.Waiting, p.Kinds), kindsFault("are dead", p.Dead, p.DeadKinds))
	return errors.Join(errs...)
}

// NewPosted returns an empty Posted.
func NewPosted() *Posted {
	return &Posted{Waiting: map[string]ledger.Delivery{}, Lines: map[string][]string{}, LineOf: map[string]string{}, Dead: map[string]ledger.Delivery{}}
}

// kindsFault reports a contradiction between the events and an index by kind,
// which lists them by id.
func kindsFault(what string, all map[string]ledger.Delivery, index map[string]ledger.EventKind) error {
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

// NumbersOf counts events by kind.
func NumbersOf(all map[string]ledger.Delivery) map[ledger.EventKind]int {
	n := map[ledger.EventKind]int{}
	for _, d := range all {
		n[d.Kind]++
	}
	return n
}
