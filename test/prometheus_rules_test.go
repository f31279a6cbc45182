package test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	deployFolder = "../docs/deploy"
	rulesFile    = deployFolder + "/prometheus-alerts.yml"
	promtool     = "/usr/bin/promtool"
	prometheus   = "/usr/bin/prometheus"
)

// twoLanguages is "中文 · English", whose English part may name menus of WeChat's
// console.
var twoLanguages = regexp.MustCompile(`^[^·]*\p{Han}[^·]* · [A-Z][^·]*$`)

// alertRule is one rule of prometheus-alerts.yml.
type alertRule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

type ruleGroups struct {
	Groups []struct {
		Name  string
		Rules []alertRule
	}
}

func readRules(t *testing.T) []alertRule {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var all ruleGroups
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var rules []alertRule
	for _, group := range all.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// Every alert says how bad it is, what is wrong and what to do, in Chinese and in
// English, and its runbook names a section of alerts.md.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	rules := readRules(t)
	var names []string
	for _, rule := range rules {
		names = append(names, rule.Alert)
		t.Run(rule.Alert, func(t *testing.T) {
			if !strings.HasPrefix(rule.Alert, "Wechat") {
				t.Error("the name does not begin with Wechat")
			}
			if s := rule.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("severity %q", s)
			}
			if !bilingual.MatchString(placeholder.ReplaceAllString(rule.Annotations["summary"], "x")) {
				t.Errorf("the summary is not “中文 · English”: %s", rule.Annotations["summary"])
			}
			runbook := rule.Annotations["runbook"]
			if !twoLanguages.MatchString(runbook) {
				t.Errorf("the runbook is not “中文 · English”: %s", runbook)
			}
			if strings.Contains(runbook, "\n") || len(runbook) < 40 || !strings.HasSuffix(runbook, "(docs/deploy/alerts.md#"+strings.ToLower(rule.Alert)+")") {
				t.Errorf("the runbook is not one line of what to do that ends with its section of docs/deploy/alerts.md: %q", runbook)
			}
		})
	}
	if len(names) < 15 {
		t.Errorf("%d alerts only", len(names))
	}
}

// The runbooks, in English and in Chinese, have a section for each alert, which
// says how bad it is, and the panels that they name are in the dashboard.
func TestAlertRunbooks(t *testing.T) {
	t.Parallel()
	severities := map[string]string{}
	for _, rule := range readRules(t) {
		severities[rule.Alert] = rule.Labels["severity"]
	}
	var titles []string
	for _, p := range readDashboard(t).Panels {
		titles = append(titles, p.Title)
	}
	for _, name := range []string{"alerts.md", "alerts.zh-CN.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(deployFolder, name))
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]string{}
			for _, m := range alertSection.FindAllStringSubmatch(string(text), -1) {
				sections[m[1]] = m[2]
			}
			if !maps.Equal(sections, severities) {
				t.Errorf("it has the sections %v,\nand the rules are %v", sections, severities)
			}
			panels := namedPanel.FindAllString(string(text), -1)
			for _, named := range panels {
				if !slices.ContainsFunc(titles, func(title string) bool { return strings.HasPrefix(named, title) }) {
					t.Errorf("the dashboard has no panel %q", named)
				}
			}
			if len(panels) < 5 {
				t.Errorf("only %d panels were found", len(panels))
			}
		})
	}
}

var (
	// alertSection is the head of an alert's section: its name, and how bad it is.
	alertSection = regexp.MustCompile(`(?m)^## (Wechat\w+)\n\n\*(?:\p{Han}+（)?(\w+)(?:\.|）。)\*`)
	// namedPanel is the title of a panel, and what follows it up to a sign.
	namedPanel = regexp.MustCompile(`\p{Han}+ · [A-Z][A-Za-z -]+`)
)

var placeholder = regexp.MustCompile(`{{[^}]*}}`)

// Prometheus' own tool accepts the files that we ship, and the alerts fire and
// rest at their real windows and durations in prometheus-alerts.test.yml.
func TestPrometheusFiles(t *testing.T) {
	t.Parallel()
	if err := installed(promtool, "prometheus"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"},
		{"check", "rules", "--lint-fatal", "prometheus-alerts.yml"},
		{"test", "rules", "prometheus-alerts.test.yml"},
	} {
		t.Run(strings.Join(args[:2], " "), func(t *testing.T) {
			t.Parallel()
			command := exec.Command(promtool, args...)
			command.Dir = deployFolder
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
}

// Each alert has a test at its real durations in which it rests first and then
// fires. promtool lists all alerts that fire at a time, so that no other one
// can fire beside it unseen.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deployFolder, "prometheus-alerts.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests []struct {
			Name   string
			Checks []struct {
				Expr   string
				Firing []struct{ Labels string } `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, one := range file.Tests {
		var resting []string // the alerts that did not fire at the first time of this test
		for i, check := range one.Checks {
			if want := `count by (alertname) (ALERTS{alertstate="firing"})`; check.Expr != want {
				t.Errorf("%s: asks for %s, want %s", one.Name, check.Expr, want)
			}
			for _, rule := range readRules(t) {
				fires := slices.ContainsFunc(check.Firing, func(f struct{ Labels string }) bool { return f.Labels == `{alertname="`+rule.Alert+`"}` })
				switch {
				case i == 0 && !fires:
					resting = append(resting, rule.Alert)
				case fires && slices.Contains(resting, rule.Alert):
					tested[rule.Alert] = true
				}
			}
		}
	}
	for _, rule := range readRules(t) {
		if !tested[rule.Alert] {
			t.Errorf("%s: no test in which it rests and then fires", rule.Alert)
		}
	}
}
