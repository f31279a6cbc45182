package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The size of a drawing. It is stretched to the page's width; words stand
// around it, and not in it.
const (
	chartWidth  = 960
	chartHeight = 200
)

// chart is a drawing of a day: stacked columns, or lines.
type chart struct {
	Name        string // of its texts
	Scale       scale
	Ticks       []string // times under it, evenly spread
	Series      []series
	Columns     []column
	Unknown     string // the width of the time before the gateway began to remember; "" for none
	Empty       bool
	Width, High int
}

// series is what one colour means.
type series struct {
	Class string
	Text  string // name of a text; "" if Label is shown as it is
	Label string
	Total string
	Line  string // the path of a line; "" in a chart of columns
}

// column is what happened in one span.
type column struct {
	Title string
	Parts []part
}

// part is a rectangle of a column.
type part struct{ Class, X, Y, Width, Height string }

// day is the time that charts show.
type day struct {
	begins, ends time.Time
	since        time.Time // the gateway knows nothing before
}

// dayUntil returns the day that ends with the quarter of an hour around now.
func dayUntil(now, since time.Time) day {
	end := now.Truncate(columnSpan).Add(columnSpan)
	return day{end.Add(-24 * time.Hour), end, since}
}

// columnSpan is what one column shows.
const columnSpan = 15 * time.Minute

// chart returns an empty chart of the day.
func (d day) chart(name string, top float64, unit func(float64) string) chart {
	c := chart{Name: name, Scale: newScale(top, unit), Width: chartWidth, High: chartHeight}
	for i := range 5 {
		c.Ticks = append(c.Ticks, d.begins.Add(time.Duration(i)*6*time.Hour).Local().Format("15:04"))
	}
	if x := d.x(d.since); x > 0 {
		c.Unknown = number(x)
	}
	return c
}

// x returns where a time is drawn.
func (d day) x(at time.Time) float64 {
	share := float64(at.Sub(d.begins)) / float64(d.ends.Sub(d.begins))
	return chartWidth * min(max(share, 0), 1)
}

// columnOf returns the number of the column of a time, false if it is not shown.
func (d day) columnOf(at time.Time) (int, bool) {
	if at.Before(d.begins) || !at.Before(d.ends) {
		return 0, false
	}
	return int(at.Sub(d.begins) / columnSpan), true
}

// columns is how many columns a chart has.
const columns = int(24 * time.Hour / columnSpan)

// stack draws columns. heights has the numbers of each column, in the order of
// the classes, from the bottom up.
func (c *chart) stack(classes []string, heights [][]float64, title func(i int) string) {
	const width = float64(chartWidth) / float64(columns)
	c.Empty = true
	for i, numbers := range heights {
		one, below := column{Title: title(i)}, 0.0
		for k, n := range numbers {
			if n == 0 {
				continue
			}
			bottom, top := c.Scale.y(below), c.Scale.y(below+n)
			one.Parts = append(one.Parts, part{classes[k], number(float64(i)*width + 1), number(top), number(width - 2), number(bottom - top)})
			below += n
		}
		if len(one.Parts) > 0 {
			c.Columns, c.Empty = append(c.Columns, one), false
		}
	}
}

// point is a value at a time.
type point struct {
	at    time.Time
	value float64
}

// line draws a path through points. It breaks where a span has no point.
func (c *chart) line(d day, points []point, span time.Duration) string {
	var b strings.Builder
	var last time.Time
	for _, p := range points {
		x, y := d.x(p.at), c.Scale.y(p.value)
		if p.at.Sub(last) > span+span/2 {
			fmt.Fprintf(&b, "M%s %s", number(x), number(y))
		}
		// A span alone is drawn, too: as a short line.
		fmt.Fprintf(&b, "L%s %s", number(x), number(y))
		if end := d.x(p.at.Add(span)); end > x {
			fmt.Fprintf(&b, "L%s %s", number(end), number(y))
		}
		last = p.at
	}
	return b.String()
}

// scale is a vertical axis from 0 to a round number.
type scale struct {
	top         float64
	Top, Middle string
}

// newScale returns the scale for numbers up to most.
func newScale(most float64, unit func(float64) string) scale {
	top := 4.0
	for power := 1.0; top < most; power *= 10 {
		for _, step := range []float64{4, 6, 8, 10, 12, 16, 20, 30} { // with a whole half
			if top = step * power; top >= most {
				break
			}
		}
	}
	return scale{top, unit(top), unit(top / 2)}
}

// y returns where a value is drawn.
func (s scale) y(value float64) float64 {
	return chartHeight * (1 - min(value/s.top, 1))
}

// number writes a coordinate.
func number(f float64) string { return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64) }

// whole writes a count, with blanks between thousands.
func whole(f float64) string {
	digits := strconv.FormatInt(int64(math.Round(f)), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// duration writes milliseconds.
func duration(ms float64) string {
	if ms >= 1000 {
		return number(math.Round(ms/100)/10) + " s"
	}
	return number(math.Round(ms)) + " ms"
}
