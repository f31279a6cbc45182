package caddymodule_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// series is one line of the metrics: its name, its labels as they are written,
// sorted, and its value.
type scrape struct {
	types  map[string]string  // by metric
	values map[string]float64 // by series: name{a="b",c="d"}
}

var (
	typeLine   = regexp.MustCompile(`^# TYPE (caddy_wechat_\w+) (\w+)$`)
	seriesLine = regexp.MustCompile(`^(caddy_wechat_\w+)(?:\{(.*)\})? (\S+)$`)
	labelPair  = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// scrape reads the gateway's own metrics from the admin endpoint.
func (o *office) scrape() scrape {
	o.t.Helper()
	s := scrape{map[string]string{}, map[string]float64{}}
	for line := range strings.Lines(o.must("GET", "/metrics", "", http.StatusOK)) {
		line = strings.TrimSpace(line)
		if m := typeLine.FindStringSubmatch(line); m != nil {
			s.types[m[1]] = m[2]
		}
		m := seriesLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			o.t.Fatalf("%s: %v", line, err)
		}
		s.values[seriesName(m[1], labelsOf(m[2]))] = value
	}
	if len(s.values) == 0 {
		o.t.Fatal("the admin endpoint shows no metric of the gateway")
	}
	return s
}

// labelsOf reads the text between the braces.
func labelsOf(text string) map[string]string {
	labels := map[string]string{}
	for _, m := range labelPair.FindAllStringSubmatch(text, -1) {
		labels[m[1]] = m[2]
	}
	return labels
}

func seriesName(metric string, labels map[string]string) string {
	var pairs []string
	for name, value := range labels {
		pairs = append(pairs, name+"="+strconv.Quote(value))
	}
	slices.Sort(pairs)
	return metric + "{" + strings.Join(pairs, ",") + "}"
}

// rose returns the counters that are higher than before, by how much, without
// the common part of their names. Histograms are left out.
func (s scrape) rose(before scrape) map[string]float64 {
	diff := map[string]float64{}
	for name, value := range s.values {
		metric, _, _ := strings.Cut(name, "{")
		if s.types[metric] == "counter" && value != before.values[name] {
			diff[strings.TrimPrefix(name, "caddy_wechat_")] = value - before.values[name]
		}
	}
	return diff
}

// wantRise fails unless these counters of the named metrics rose, and no other
// ones of them.
func wantRise(t *testing.T, what string, before, after scrape, want map[string]float64) {
	t.Helper()
	metrics := map[string]bool{}
	for name := range want {
		metric, _, _ := strings.Cut(name, "{")
		metrics[metric] = true
	}
	got := after.rose(before)
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %s rose by %v, want %v", what, name, got[name], n)
		}
	}
	for name, n := range got {
		if metric, _, _ := strings.Cut(name, "{"); metrics[metric] && want[name] == 0 {
			t.Errorf("%s: %s rose by %v", what, name, n)
		}
	}
}

// metricsDocuments describe the metrics, in English and in Chinese.
var metricsDocuments = []string{"../docs/metrics.md", "../docs/metrics.zh-CN.md"}

// documented is the table of one of the documents.
type documented struct {
	types  map[string]string
	labels map[string][]string
	// values are the rows of the tables of labels, by label or by label and
	// metric: the values of the first column, and the text of the second one.
	values map[string][]documentedValue
}

type documentedValue struct{ value, second string }

var ticked = regexp.MustCompile("`([^`]*)`")

// words returns what stands between backticks.
func words(cell string) (all []string) {
	for _, m := range ticked.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// readMetricsDocument reads one of the documents.
func readMetricsDocument(t *testing.T, name string) documented {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := documented{map[string]string{}, map[string][]string{}, map[string][]documentedValue{}}
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "#"); ok {
			section = sectionOf(words(heading))
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		first := words(cells[0])
		if !strings.HasPrefix(line, "| `") || len(cells) < 2 {
			continue
		}
		switch {
		case strings.HasPrefix(first[0], "caddy_wechat_"):
			d.types[first[0]] = strings.TrimSpace(cells[1])
			d.labels[first[0]] = words(cells[2])
		case section != "":
			for _, value := range first {
				d.values[section] = append(d.values[section], documentedValue{value, cells[1]})
			}
		}
	}
	if len(d.types) < 20 || len(d.values) < 12 {
		t.Fatalf("%s was not understood: %d metrics, %d labels", name, len(d.types), len(d.values))
	}
	return d
}

// sectionOf names the section of a label from the words of its heading: the
// label, with the metric if the label means something else elsewhere. Chinese
// says the metric first.
func sectionOf(heading []string) string {
	if len(heading) == 2 && strings.HasPrefix(heading[0], "caddy_wechat_") {
		slices.Reverse(heading)
	}
	return strings.Join(heading, " of ")
}
