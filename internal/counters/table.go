package counters

import (
	"fmt"
	"slices"
	"sync"
)

// maxLabels is how many labels a Table can have.
const maxLabels = 3

// key is the values of a row's labels.
type key [maxLabels]string

// Table holds a C, such as a [Counter], for each of its rows. A row is known by
// the values of its labels. Rows are added and never removed: a number must not
// fall. The zero value is ready, and so is a nil pointer, which has no rows. It
// must not be copied.
type Table[C any] struct {
	mu   sync.RWMutex
	rows map[key]*C
	all  []row[C] // in the order in which they were added
}

type row[C any] struct {
	values []string
	cell   *C
}

// Add adds a row for each combination of values, one list for each label, in
// the order of the labels. A row that is there stays as it is. All calls must
// have the same number of labels, three at most.
func (t *Table[C]) Add(labels ...[]string) {
	if len(labels) > maxLabels {
		panic(fmt.Sprintf("counters: %d labels", len(labels))) // a mistake in the code, found by any test
	}
	rows := [][]string{nil}
	for _, values := range labels {
		var longer [][]string
		for _, r := range rows {
			for _, value := range values {
				longer = append(longer, append(slices.Clone(r), value))
			}
		}
		rows = longer
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = make(map[key]*C)
	}
	for _, values := range rows {
		var k key
		copy(k[:], values)
		if t.rows[k] == nil {
			cell := new(C)
			t.rows[k] = cell
			t.all = append(t.all, row[C]{values, cell})
		}
	}
}

// Of returns the row with these values, nil if there is none.
func (t *Table[C]) Of(values ...string) *C {
	if t == nil || len(values) > maxLabels {
		return nil
	}
	var k key
	copy(k[:], values)
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows[k]
}

// Each calls fn with each row, in the order in which they were added.
func (t *Table[C]) Each(fn func(values []string, cell *C)) {
	if t == nil {
		return
	}
	t.mu.RLock()
	all := t.all
	t.mu.RUnlock()
	for _, r := range all {
		fn(r.values, r.cell)
	}
}
