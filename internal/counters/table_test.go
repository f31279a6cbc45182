package counters_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/counters"
)

// read returns the rows of a table as text.
func read(t *counters.Table[counters.Counter]) []string {
	var rows []string
	t.Each(func(values []string, c *counters.Counter) { rows = append(rows, fmt.Sprint(values, c.Load())) })
	return rows
}

func TestTableHasAllRowsFromTheStart(t *testing.T) {
	t.Parallel()
	var table counters.Table[counters.Counter]
	table.Add([]string{"a", "b"}, []string{"x", "y"})
	want := []string{"[a x] 0", "[a y] 0", "[b x] 0", "[b y] 0"}
	if got := read(&table); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	table.Of("b", "x").Inc()
	table.Add([]string{"b", "c"}, []string{"x"})
	want = []string{"[a x] 0", "[a y] 0", "[b x] 1", "[b y] 0", "[c x] 0"}
	if got := read(&table); !slices.Equal(got, want) {
		t.Errorf("after more rows: %q, want %q", got, want)
	}
}

func TestTableWithoutLabelsHasOneRow(t *testing.T) {
	t.Parallel()
	var table counters.Table[counters.Counter]
	table.Add()
	table.Of().Inc()
	if got := read(&table); !slices.Equal(got, []string{"[] 1"}) {
		t.Errorf("%q", got)
	}
}

// Attack: invented values make rows without end.
func TestAttackInventedValuesMakeNoRow(t *testing.T) {
	t.Parallel()
	var table counters.Table[counters.Counter]
	table.Add([]string{"a"}, []string{"x"})
	for _, values := range [][]string{{}, {"a"}, {"a", "y"}, {"a", "x", "z"}, {"ax", ""}, {"", "ax"}, {"a\x00x"}, {"x", "a"}, {"a", "x", "", ""}} {
		table.Of(values...).Inc()
	}
	if got := read(&table); !slices.Equal(got, []string{"[a x] 0"}) {
		t.Errorf("%q", got)
	}
}

func TestNilCountsNothing(t *testing.T) {
	t.Parallel()
	var table *counters.Table[counters.Counter]
	table.Of("a").Inc()
	table.Each(func([]string, *counters.Counter) { t.Error("a row of nothing") })
	if n := table.Of("a").Load(); n != 0 {
		t.Error(n)
	}
	var d *counters.Durations
	d.Observe(1)
	if s := d.Read(); s.Count != 0 || len(s.UpTo) != len(counters.Bounds) {
		t.Errorf("%+v", s)
	}
}

func TestTableCountsFromManyGoroutines(t *testing.T) {
	t.Parallel()
	var table counters.Table[counters.Counter]
	table.Add([]string{"a"})
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for range 1000 {
				table.Of("a").Inc()
			}
			table.Add([]string{"a", fmt.Sprint(i)})
			read(&table)
		})
	}
	work.Wait()
	if n := table.Of("a").Load(); n != 8000 {
		t.Errorf("%d, want 8000", n)
	}
}

// A request that is signed in is counted: that must not allocate.
func TestCountingDoesNotAllocate(t *testing.T) {
	var table counters.Table[counters.Counter]
	table.Add([]string{"a"}, []string{"x"})
	if n := testing.AllocsPerRun(100, func() { table.Of("a", "x").Inc() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
