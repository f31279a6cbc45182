//go:build fleet

package test

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// What a drawn dashboard looks like: a dark page of Grafana's, 24 columns wide.
// Lengths are in pixels.
const (
	drawnWidth  = 1560
	drawnColumn = drawnWidth / 24
	drawnRow    = 37 // of the grid
	drawnHead   = 64 // above the panels
	drawnGap    = 8  // between panels
)

// seriesColors are the colours of series, in Grafana's order.
var seriesColors = []string{
	"#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#b877d9", "#f2495c", "#8ab8ff", "#96d98d", "#ffcb7d", "#ca95e5", "#ff7383", "#37872d", "#1f60c4", "#c4162a",
}

// namedColors are the colours that the dashboard names.
var namedColors = map[string]string{
	"green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "yellow": "#f2cc0c", "blue": "#5794f2", "text": "#ccccdc", "purple": "#b877d9",
}

// series is one line of a panel.
type series struct {
	legend string
	at     []time.Time
	values []float64
}

// last is the newest value.
func (s series) last() float64 {
	if len(s.values) == 0 {
		return math.NaN()
	}
	return s.values[len(s.values)-1]
}

// drawing is a picture of a dashboard between two times.
type drawing struct {
	from, to time.Time
	b        strings.Builder
}

// drawDashboard writes a picture of a dashboard as SVG. Each panel has the
// series that the function finds for it.
func drawDashboard(d dashboard, from, to time.Time, find func(panel) []series) string {
	c := &drawing{from: from, to: to}
	height := 0
	for _, p := range d.Panels {
		height = max(height, p.GridPos.Y+p.GridPos.H)
	}
	total := drawnHead + height*drawnRow + drawnGap
	fmt.Fprintf(&c.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" `+
		`font-family="Inter,Helvetica,Arial,'Noto Sans CJK SC',sans-serif">`+"\n", drawnWidth, total)
	c.box(0, 0, drawnWidth, float64(total), "#111217", "none", 0)
	c.text(16, 40, 21, "#e6e6f0", "", d.Title)
	c.text(drawnWidth-16, 40, 13, "#9a9aab", "end", fmt.Sprintf("%s – %s", from.Format("15:04:05"), to.Format("15:04:05")))
	for _, p := range d.Panels {
		c.panel(p, find(p))
	}
	c.b.WriteString("</svg>\n")
	return c.b.String()
}

func (c *drawing) panel(p panel, all []series) {
	x, y := float64(p.GridPos.X*drawnColumn+drawnGap/2), float64(drawnHead+p.GridPos.Y*drawnRow)
	w, h := float64(p.GridPos.W*drawnColumn-drawnGap), float64(p.GridPos.H*drawnRow-drawnGap)
	if p.Type == "row" {
		c.text(x+6, y+20, 15, "#ccccdc", "", "▾  "+p.Title)
		return
	}
	c.box(x, y, w, h, "#181b1f", "#2c3037", 3)
	c.text(x+10, y+20, fitting(p.Title, w-20, 13), "#ccccdc", "", p.Title)
	switch p.Type {
	case "stat":
		c.stat(p, all, x, y+26, w, h-26)
	case "state-timeline":
		c.states(p, all, x+10, y+32, w-20, h-38)
	default:
		c.lines(p, all, x, y+28, w, h-28)
	}
}

// stat draws the newest value, in the colour of its threshold, over the way
// that it came.
func (c *drawing) stat(p panel, all []series, x, y, w, h float64) {
	d := p.FieldConfig.Defaults
	if len(all) == 0 || math.IsNaN(all[0].last()) {
		text := d.NoValue
		if text == "" {
			text = "–"
		}
		c.text(x+w/2, y+h/2+8, 26, "#73bf69", "middle", text)
		return
	}
	value := all[0].last()
	color := d.colorOf(value)
	low, high := 0.0, 0.0
	for _, v := range all[0].values {
		low, high = min(low, v), max(high, v)
	}
	if high > low {
		c.line(all[0], color, x+1, y+h*.62, w-2, h*.38-2, low, high, .18)
	}
	text := d.format(value)
	c.text(x+w/2, y+h/2+2, fitting(text, w-24, 30), color, "middle", text)
}

// states draws a bar for each series while it has a value, in its colour.
func (c *drawing) states(p panel, all []series, x, y, w, h float64) {
	longest := 0.0
	for _, s := range all {
		longest = max(longest, 1.08*wide(s.legend, 12))
	}
	left := longest + 14
	bar := min((h-22)/float64(max(len(all), 1)), 26)
	c.times(x+left, y+h-4, w-left, y, y+h-20)
	for i, s := range all {
		top := y + float64(i)*bar
		c.text(x+longest, top+bar/2+4, 12, "#ccccdc", "end", s.legend)
		c.box(x+left, top+2, w-left, bar-4, "#22252b", "none", 2)
		for from := 0; from < len(s.at); {
			to := from
			for to+1 < len(s.at) && s.values[to+1] == s.values[from] && s.at[to+1].Sub(s.at[to]) < 3*c.step(s) {
				to++
			}
			begin, end := c.across(s.at[from], x+left, w-left), c.across(s.at[to], x+left, w-left)
			c.box(begin, top+2, max(end-begin, 3), bar-4, p.FieldConfig.Defaults.colorOf(s.values[from]), "none", 2)
			from = to + 1
		}
	}
}

// step is the shortest time between two values.
func (c *drawing) step(s series) time.Duration {
	shortest := c.to.Sub(c.from)
	for i := 1; i < len(s.at); i++ {
		shortest = min(shortest, s.at[i].Sub(s.at[i-1]))
	}
	return shortest
}

// lines draws the series over time, with axes and a legend.
func (c *drawing) lines(p panel, all []series, x, y, w, h float64) {
	d := p.FieldConfig.Defaults
	slices.SortStableFunc(all, func(a, b series) int { return strings.Compare(a.legend, b.legend) })
	rows := c.legend(all, d, x+12, y+h-6, w-24)
	h -= float64(rows)*17 + 4
	drawn := all
	if d.Custom.Stacking.Mode == "normal" {
		drawn = stacked(all)
	}
	low, high := d.bounds(drawn)
	ticks := niceTicks(low, high, int(max(h/38, 2)))
	left := 0.0
	for _, tick := range ticks {
		left = max(left, wide(d.format(tick), 11))
	}
	px, py, pw, ph := x+left+18, y+6, w-left-32, h-26
	for _, tick := range ticks {
		at := py + ph - (tick-low)/(high-low)*ph
		fmt.Fprintf(&c.b, `<path d="M%.1f %.1fh%.1f" stroke="#272b32"/>`+"\n", px, at, pw)
		c.text(px-6, at+4, 11, "#9a9aab", "end", d.format(tick))
	}
	c.times(px, y+h-4, pw, py, py+ph)
	if len(all) == 0 {
		c.text(px+pw/2, py+ph/2, 13, "#8e8e9c", "middle", "No data")
		return
	}
	for i, s := range slices.Backward(drawn) {
		c.line(s, seriesColors[i%len(seriesColors)], px, py, pw, ph, low, high, d.Custom.FillOpacity/100)
	}
}

// legend writes the names of the series with their newest values, from the
// bottom up, and returns how many rows it took. What finds no place in four
// rows is counted.
func (c *drawing) legend(all []series, d fieldDefaults, x, bottom, w float64) int {
	type entry struct {
		text, color string
	}
	rows := [][]entry{nil}
	used := 0.0
	for i, s := range all {
		e := entry{s.legend + "  " + d.format(s.last()), seriesColors[i%len(seriesColors)]}
		need := wide(e.text, 11) + 34
		if used+need > w && used > 0 {
			if len(rows) == 4 {
				rows[3] = append(rows[3][:len(rows[3])-1], entry{fmt.Sprintf("+%d", len(all)-i+1), "#8e8e9c"})
				break
			}
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += need
	}
	for i, row := range rows {
		left, at := x, bottom-float64(len(rows)-1-i)*17
		for _, e := range row {
			c.box(left, at-6, 12, 3, e.color, "none", 1)
			c.text(left+17, at, 11, "#ccccdc", "", e.text)
			left += wide(e.text, 11) + 34
		}
	}
	return len(rows)
}

// times draws the axis of time.
func (c *drawing) times(x, y, w, top, bottom float64) {
	span := c.to.Sub(c.from)
	step := 5 * time.Second
	for _, s := range []time.Duration{10, 15, 30, 60, 120, 300, 600, 1800, 3600} {
		if w/float64(span/step) < 74 {
			step = s * time.Second
		}
	}
	for at := c.from.Truncate(step).Add(step); at.Before(c.to); at = at.Add(step) {
		px := c.across(at, x, w)
		if px > x+w-26 || px < x+20 {
			continue
		}
		fmt.Fprintf(&c.b, `<path d="M%.1f %.1fV%.1f" stroke="#22262c"/>`+"\n", px, top, bottom)
		c.text(px, y, 11, "#9a9aab", "middle", at.Format("15:04:05"))
	}
}

func (c *drawing) across(at time.Time, x, w float64) float64 {
	return x + w*float64(at.Sub(c.from))/float64(c.to.Sub(c.from))
}

// line draws one series. Where values are missing, it is interrupted.
func (c *drawing) line(s series, color string, x, y, w, h, low, high, fill float64) {
	var path, area strings.Builder
	var begin, end float64
	closeArea := func() {
		if area.Len() > 0 {
			fmt.Fprintf(&area, "L%.1f %.1fL%.1f %.1fZ", end, y+h, begin, y+h)
		}
	}
	pen, step := "M", c.step(s)
	for i, v := range s.values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			pen = "M"
			continue
		}
		if i > 0 && s.at[i].Sub(s.at[i-1]) > 3*step {
			pen = "M"
		}
		px, py := c.across(s.at[i], x, w), y+h-(min(max(v, low), high)-low)/(high-low)*h
		if pen == "M" {
			closeArea()
			begin = px
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, px, py)
		fmt.Fprintf(&area, "%s%.1f %.1f", pen, px, py)
		pen, end = "L", px
	}
	closeArea()
	if path.Len() == 0 {
		return
	}
	if fill > 0 {
		fmt.Fprintf(&c.b, `<path d="%s" fill="%s" fill-opacity="%.2f"/>`+"\n", area.String(), color, fill)
	}
	fmt.Fprintf(&c.b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>`+"\n", path.String(), color)
}

func (c *drawing) box(x, y, w, h float64, fill, stroke string, radius float64) {
	fmt.Fprintf(&c.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" stroke="%s" rx="%.0f"/>`+"\n", x, y, w, h, fill, stroke, radius)
}

func (c *drawing) text(x, y, size float64, color, anchor, text string) {
	if anchor == "" {
		anchor = "start"
	}
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" font-size="%.1f" fill="%s" text-anchor="%s" xml:space="preserve">%s</text>`+"\n",
		x, y, size, color, anchor, html.EscapeString(text))
}

// wide estimates the width of a text.
func wide(text string, size float64) float64 {
	width := 0.0
	for _, r := range text {
		switch {
		case r >= 0x2e80:
			width++
		case strings.ContainsRune("il.,:;'|!()[] ·jtf", r):
			width += .31
		case r >= 'A' && r <= 'Z' || strings.ContainsRune("mw%_", r):
			width += .7
		default:
			width += .56
		}
	}
	return width * size
}

// fitting is the size, at most the largest, at which a text is not wider than
// this.
func fitting(text string, width, largest float64) float64 {
	if utf8.RuneCountInString(text) == 0 {
		return largest
	}
	return min(largest, width/wide(text, 1))
}

// stacked puts the series on top of each other.
func stacked(all []series) []series {
	sums := map[time.Time]float64{}
	drawn := make([]series, len(all))
	for i, s := range all {
		drawn[i] = series{legend: s.legend, at: s.at, values: slices.Clone(s.values)}
		for j, at := range s.at {
			if !math.IsNaN(s.values[j]) {
				sums[at] += s.values[j]
			}
			drawn[i].values[j] = sums[at]
		}
	}
	return drawn
}

// bounds are the ends of a panel's axis.
func (d fieldDefaults) bounds(all []series) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range all {
		for _, v := range s.values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if d.Min != nil {
		low = *d.Min
	}
	if d.Max != nil {
		high = *d.Max
	}
	if high <= low {
		high = low + 1
	} else if d.Max == nil {
		high += (high - low) * .08
	}
	return low, high
}

// niceTicks are about n round values between two others.
func niceTicks(low, high float64, n int) []float64 {
	raw := (high - low) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if step*factor >= raw {
			step *= factor
			break
		}
	}
	var ticks []float64
	for v := math.Ceil(low/step) * step; v <= high+step/1000; v += step {
		ticks = append(ticks, v)
	}
	return ticks
}

// colorOf is the colour of a value: that of its mapping, or of the highest
// threshold that it reaches.
func (d fieldDefaults) colorOf(value float64) string {
	color := "green"
	for _, m := range d.Mappings {
		if o, ok := m.Options[fmt.Sprint(value)]; ok && o.Color != "" {
			return colorNamed(o.Color)
		}
	}
	for _, step := range d.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			color = step.Color
		}
	}
	return colorNamed(color)
}

func colorNamed(name string) string {
	if hex, ok := namedColors[name]; ok {
		return hex
	}
	return name
}

// format writes a value in the panel's unit.
func (d fieldDefaults) format(v float64) string {
	for _, m := range d.Mappings {
		if o, ok := m.Options[fmt.Sprint(v)]; ok {
			return o.Text
		}
	}
	if math.IsNaN(v) {
		return "–"
	}
	switch d.Unit {
	case "percentunit":
		return trimmed(v*100, 1) + "%"
	case "s":
		return duration(v)
	case "bytes":
		return scaled(v, 1024, "B", "KiB", "MiB", "GiB")
	case "reqps":
		return scaled(v, 1000, " req/s", "K req/s", "M req/s")
	case "opm":
		return scaled(v, 1000, " /min", "K /min", "M /min")
	case "ops":
		return scaled(v, 1000, " /s", "K /s", "M /s")
	}
	return scaled(v, 1000, "", "K", "M")
}

// duration writes seconds as Grafana does.
func duration(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}} {
		if math.Abs(v) >= unit.size {
			return trimmed(v/unit.size, 2) + unit.name
		}
	}
	return "0 s"
}

func scaled(v, by float64, units ...string) string {
	i := 0
	for i+1 < len(units) && math.Abs(v) >= by {
		v /= by
		i++
	}
	space := ""
	if units[0] == "B" {
		space = " "
	}
	return trimmed(v, 2) + space + units[i]
}

// trimmed writes a number with at most so many decimals, fewer where it is
// large.
func trimmed(v float64, decimals int) string {
	if math.Abs(v) >= 100 {
		decimals = 0
	} else if math.Abs(v) >= 10 {
		decimals = min(decimals, 1)
	}
	text := fmt.Sprintf("%.*f", decimals, v)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}
