package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboardFile = "../docs/deploy/grafana-dashboard.json"

// dashboard is what these tests read of a Grafana dashboard.
type dashboard struct {
	Title         string
	UID           string
	SchemaVersion int
	ID            *int
	Templating    struct{ List []dashboardVariable }
	Panels        []panel
}

type dashboardVariable struct {
	Name, Type, Label string
	AllValue          string
	IncludeAll, Multi bool
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ Type, UID string }
	Targets                  []target
	FieldConfig              struct {
		Defaults fieldDefaults
	}
}

type target struct {
	Expr, LegendFormat, RefID string
	Datasource                struct{ Type, UID string }
}

type fieldDefaults struct {
	Unit       string
	Decimals   *int
	Min, Max   *float64
	NoValue    string
	Thresholds struct {
		Steps []struct {
			Color string
			Value *float64
		}
	}
	Mappings []struct {
		Type    string
		Options map[string]struct{ Text, Color string }
	}
	Custom struct {
		FillOpacity float64
		DrawStyle   string
		Stacking    struct{ Mode string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// substitute fills Grafana's variables in as Grafana does when everything is
// chosen. The rest of an expression is sent to Prometheus as it stands.
func substitute(expr, interval string) string {
	return strings.NewReplacer("$__rate_interval", interval, "$job", ".*", "$instance", ".*", "$account", ".*").Replace(expr)
}

// Grafana (9 and later) can import the dashboard, and readers of Chinese and of
// English find their way in it.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if d.ID != nil || d.UID == "" || d.SchemaVersion < 37 {
		t.Errorf("id %v, uid %q, schemaVersion %d; want none, one, and Grafana 9's 37 or later", d.ID, d.UID, d.SchemaVersion)
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		if v.Type == "query" && (!v.IncludeAll || !v.Multi || v.AllValue != ".*") {
			t.Errorf("variable %s: includeAll %v, multi %v, allValue %q", v.Name, v.IncludeAll, v.Multi, v.AllValue)
		}
	}
	if want := []string{"datasource", "job", "instance", "account"}; !slices.Equal(names, want) {
		t.Errorf("variables %v, want %v", names, want)
	}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		t.Run(p.Title, func(t *testing.T) {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("id %d is used twice, or is 0", p.ID)
			}
			ids[p.ID] = true
			p.check(t)
		})
	}
	if len(ids) < 30 {
		t.Errorf("%d panels only", len(ids))
	}
	overlaps(t, d.Panels)
}

// bilingual is "中文 · English".
var bilingual = regexp.MustCompile(`^[^·]*\p{Han}[^·]* · [^·\p{Han}]*[A-Za-z][^·\p{Han}]*$`)

func (p panel) check(t *testing.T) {
	t.Helper()
	if !bilingual.MatchString(p.Title) {
		t.Errorf("the title is not “中文 · English”")
	}
	if p.Type == "row" {
		return
	}
	if p.FieldConfig.Defaults.Unit == "" {
		t.Error("has no unit")
	}
	if !bilingual.MatchString(p.Description) {
		t.Errorf("the description %q is not “中文 · English”", p.Description)
	}
	if len(p.Targets) == 0 {
		t.Error("has no query")
	}
	if p.Datasource.UID != "${datasource}" {
		t.Errorf("datasource %q, want the variable", p.Datasource.UID)
	}
	for _, q := range p.Targets {
		if q.Datasource.UID != "${datasource}" {
			t.Errorf("query %s: datasource %q, want the variable", q.RefID, q.Datasource.UID)
		}
		if !strings.Contains(q.Expr, `job=~"$job"`) {
			t.Errorf("query %s does not filter by job: %s", q.RefID, q.Expr)
		}
		if rest := substitute(q.Expr, "1m"); strings.Contains(rest, "$") {
			t.Errorf("query %s has an unknown variable: %s", q.RefID, rest)
		}
	}
}

// overlaps reports panels that hide each other, or leave the grid.
func overlaps(t *testing.T, panels []panel) {
	t.Helper()
	taken := map[[2]int]string{}
	for _, p := range panels {
		g := p.GridPos
		if g.X < 0 || g.W < 1 || g.X+g.W > 24 || g.H < 1 {
			t.Errorf("%s does not fit the grid: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Errorf("%s lies over %s", p.Title, other)
					return
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// ourMetric finds our metrics in an expression, with what is asked of their
// labels.
var ourMetric = regexp.MustCompile(`\b(caddy_wechat_[a-z_]+)`)

// metricsIn are our metrics in an expression, without the suffixes of a
// histogram.
func metricsIn(expr string) []string {
	var all []string
	for _, m := range ourMetric.FindAllString(expr, -1) {
		if strings.HasSuffix(m, "_seconds_bucket") || strings.HasSuffix(m, "_seconds_count") || strings.HasSuffix(m, "_seconds_sum") {
			m = m[:strings.LastIndexByte(m, '_')]
		}
		all = append(all, m)
	}
	return all
}

// documentedMetrics are the names of docs/metrics.md, in either language.
func documentedMetrics(t *testing.T, name string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, m := range regexp.MustCompile("`(caddy_wechat_[a-z_]+)").FindAllStringSubmatch(string(text), -1) {
		all[m[1]] = true
	}
	if len(all) < 20 {
		t.Fatalf("%s names %d metrics only", name, len(all))
	}
	return all
}

// Dashboard and rules ask for metrics that there are, and every metric that
// the documents have stands in the dashboard.
func TestDashboardMetrics(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	var exprs []string
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			exprs = append(exprs, q.Expr)
			for _, m := range metricsIn(q.Expr) {
				shown[m] = true
			}
		}
	}
	for _, rule := range readRules(t) {
		exprs = append(exprs, rule.Expr)
	}
	for _, name := range []string{"metrics.md", "metrics.zh-CN.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := documentedMetrics(t, name)
			for _, expr := range exprs {
				for _, m := range metricsIn(expr) {
					if !known[m] {
						t.Errorf("docs/%s does not have the metric %s, for which dashboard or alerts ask: %s", name, m, expr)
					}
				}
			}
			for m := range known {
				if !shown[m] {
					t.Errorf("no panel of docs/deploy/grafana-dashboard.json shows %s: add it to an expr of a panel, or add a panel", m)
				}
			}
		})
	}
}

// String names a panel in failures.
func (p panel) String() string { return fmt.Sprintf("panel %d %q", p.ID, p.Title) }
