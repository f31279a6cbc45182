package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/history"
	"github.com/caddy-wechat/gateway/internal/signin"
)

// past is the answer of GET /wechat/history.
type past struct {
	Since   time.Time        `json:"since"`
	Step    int              `json:"step_seconds"`
	Buckets []history.Bucket `json:"buckets"`
}

// The kinds of ends of a sign-in, from the bottom of the chart up.
const (
	wentWell = iota
	byVisitor
	byTrouble
	outcomeKinds
)

// outcomes are the kinds of the words. A word that is not in the list is of a
// newer gateway, and counts as trouble.
var outcomes = map[string]int{
	string(signin.SignedIn): wentWell, string(signin.Already): wentWell, string(signin.Snapshot): wentWell,
	string(signin.Declined): byVisitor, string(signin.Refused): byVisitor, string(signin.CodeRefused): byVisitor,
	string(signin.Left): byVisitor, string(signin.Expired): byVisitor, string(signin.CookieMissing): byVisitor,
	string(signin.Invalid): byVisitor, string(signin.Barred): byVisitor,
	string(signin.WeChatError): byTrouble, string(signin.WeChatUnavailable): byTrouble,
	string(signin.StoreUnavailable): byTrouble, string(signin.Busy): byTrouble, string(signin.InternalError): byTrouble,
}

// kindOf returns the kind of an outcome.
func kindOf(outcome string) int {
	if kind, ok := outcomes[outcome]; ok {
		return kind
	}
	return byTrouble
}

// failed returns WeChat's answers that are no success.
func failed(b history.Bucket) map[string]uint64 {
	all := maps.Clone(b.Errcodes)
	delete(all, "0")
	return all
}

// signIns draws how sign-ins ended.
func (p past) signIns(d day) chart {
	heights, ends := make([][]float64, columns), make([]float64, outcomeKinds)
	for i := range heights {
		heights[i] = make([]float64, outcomeKinds)
	}
	for _, b := range p.Buckets {
		if i, ok := d.columnOf(b.From); ok {
			for outcome, n := range b.Finished {
				heights[i][kindOf(outcome)] += float64(n)
				ends[kindOf(outcome)] += float64(n)
			}
		}
	}
	c := d.chart("sign_ins", highest(heights), whole)
	classes := []string{"good", "neutral", "bad"}
	c.stack(classes, heights, func(i int) string {
		return fmt.Sprintf("%s · %s + %s + %s", d.span(i), whole(heights[i][wentWell]), whole(heights[i][byVisitor]), whole(heights[i][byTrouble]))
	})
	for kind, class := range classes {
		c.Series = append(c.Series, series{Class: class, Text: "series_" + class, Total: whole(ends[kind])})
	}
	return c
}

// shownCodes is how many results have a colour of their own.
const shownCodes = 4

// failures draws WeChat's answers that are no success.
func (p past) failures(d day) chart {
	codes := p.results(d)
	named := codes[:min(len(codes), shownCodes)]
	heights := make([][]float64, columns)
	for i := range heights {
		heights[i] = make([]float64, shownCodes+1)
	}
	for _, b := range p.Buckets {
		i, ok := d.columnOf(b.From)
		if !ok {
			continue
		}
		for result, n := range failed(b) {
			k := slices.IndexFunc(named, func(c codeCount) bool { return c.Result == result })
			if k < 0 {
				k = shownCodes
			}
			heights[i][k] += float64(n)
		}
	}
	c := d.chart("failures", highest(heights), whole)
	var classes []string
	for k := range shownCodes + 1 {
		classes = append(classes, "c"+strconv.Itoa(k+1))
	}
	c.stack(classes, heights, func(i int) string {
		title := d.span(i)
		for k, n := range heights[i] {
			if n > 0 && k < len(named) {
				title += fmt.Sprintf(" · %s × %s", named[k].Result, whole(n))
			}
		}
		return title
	})
	for k, one := range named {
		c.Series = append(c.Series, series{Class: classes[k], Label: one.Result, Total: whole(float64(one.Count))})
	}
	if rest := codes[len(named):]; len(rest) > 0 {
		sum := uint64(0)
		for _, one := range rest {
			sum += one.Count
		}
		c.Series = append(c.Series, series{Class: classes[shownCodes], Text: "series_other", Total: whole(float64(sum))})
	}
	return c
}

// latency draws how long WeChat took.
func (p past) latency(d day) chart {
	var half, most []point
	top := 0.0
	for _, b := range p.Buckets {
		if _, ok := d.columnOf(b.From); ok && b.Latency != nil {
			half, most = append(half, point{b.From, b.Latency.P50}), append(most, point{b.From, b.Latency.P95})
			top = max(top, b.Latency.P95)
		}
	}
	c, step := d.chart("latency", top, duration), time.Duration(p.Step)*time.Second
	c.Empty = len(half) == 0
	c.Series = []series{
		{Class: "p95", Text: "series_p95", Line: c.line(d, most, step)},
		{Class: "p50", Text: "series_p50", Line: c.line(d, half, step)},
	}
	return c
}

// codeCount is how often WeChat gave an answer that is no success.
type codeCount struct {
	Result string
	Count  uint64
}

// Fix returns what to do about an error code, "" for other results.
func (c codeCount) Fix(l language) string {
	code, err := strconv.Atoi(c.Result)
	if err != nil {
		return ""
	}
	row, _ := advice.OfCode(code)
	return row.Fix.In(l.short())
}

// results counts the answers of the day that are no success, the most frequent
// first.
func (p past) results(d day) []codeCount {
	sums := make(map[string]uint64)
	for _, b := range p.Buckets {
		if _, ok := d.columnOf(b.From); ok {
			for result, n := range failed(b) {
				sums[result] += n
			}
		}
	}
	var all []codeCount
	for result, n := range sums {
		all = append(all, codeCount{result, n})
	}
	slices.SortFunc(all, func(a, b codeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Result, b.Result))
	})
	return all
}

// highest returns the height of the highest column.
func highest(heights [][]float64) float64 {
	top := 0.0
	for _, numbers := range heights {
		sum := 0.0
		for _, n := range numbers {
			sum += n
		}
		top = max(top, sum)
	}
	return top
}

// span names the time of a column.
func (d day) span(i int) string {
	from := d.begins.Add(time.Duration(i) * columnSpan).Local()
	return from.Format("15:04") + "–" + from.Add(columnSpan).Format("15:04")
}
