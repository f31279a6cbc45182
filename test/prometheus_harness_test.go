//go:build fleet

package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// scaledDurations is how the durations of prometheus-alerts.yml are shortened for a run
// of minutes: `for`, the windows in [ ], and nothing else of an expression. A
// second of the run stands for a minute, roughly; a window needs four scrapes
// at least. prometheus-alerts.test.yml tests the durations as they are written.
var scaledDurations = map[string]string{
	"1m": "2s", "2m": "3s", "5m": "5s", "10m": "8s", "15m": "10s", "30m": "12s", "1h": "15s", "1d": "1h",
}

// scaledAges are the ages, in seconds, that the run cannot wait for.
var scaledAges = map[string]string{
	"caddy_wechat_webhook_oldest_seconds) > 3600": "caddy_wechat_webhook_oldest_seconds) > 6",
}

var window = regexp.MustCompile(`\[(\w+)\]`)

// scaledRules writes prometheus-alerts.yml with shorter durations.
func scaledRules(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string           `yaml:"name"`
			Rules []map[string]any `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	short := func(long string) string {
		if scaledDurations[long] == "" {
			t.Fatalf("the duration %s of %s is not in scaledDurations", long, rulesFile)
		}
		return scaledDurations[long]
	}
	aged := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if long, ok := rule["for"].(string); ok {
				rule["for"] = short(long)
			}
			expr := window.ReplaceAllStringFunc(rule["expr"].(string), func(w string) string { return "[" + short(w[1:len(w)-1]) + "]" })
			for long, age := range scaledAges {
				aged[long] = aged[long] || strings.Contains(expr, long)
				expr = strings.ReplaceAll(expr, long, age)
			}
			rule["expr"] = expr
		}
	}
	if len(aged) != len(scaledAges) || slices.Contains(slices.Collect(maps.Values(aged)), false) {
		t.Fatalf("some of scaledAges are not in %s: %v", rulesFile, aged)
	}
	writeYAML(t, filepath.Join(folder, "prometheus-alerts.yml"), file)
}

func writeYAML(t *testing.T, name string, content any) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// scraped is one gateway that Prometheus scrapes.
type scraped struct{ job, instance, address string }

// promServer is a real Prometheus.
type promServer struct {
	t       *testing.T
	address string
	client  *http.Client
	began   time.Time
	seen    map[string]bool // names of alerts that fired while they were waited for
}

// startPrometheus runs Prometheus with docs/deploy/prometheus.yml, but for the
// targets and the pace: it scrapes and evaluates every second.
func startPrometheus(t *testing.T, targets []scraped) *promServer {
	t.Helper()
	if err := installed(prometheus, "prometheus"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	scaledRules(t, folder)
	text, err := os.ReadFile(filepath.Join(deployFolder, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	config["global"] = map[string]any{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
	job := config["scrape_configs"].([]any)[0].(map[string]any)
	jobs := map[string][]any{}
	for _, s := range targets {
		jobs[s.job] = append(jobs[s.job], map[string]any{"targets": []string{s.address}, "labels": map[string]string{"instance": s.instance}})
	}
	var all []any
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		one := maps.Clone(job)
		one["job_name"], one["static_configs"] = name, jobs[name]
		all = append(all, one)
	}
	config["scrape_configs"] = all
	writeYAML(t, filepath.Join(folder, "prometheus.yml"), config)

	p := &promServer{t: t, address: "127.0.0.1:" + freePort(t), began: time.Now(), seen: map[string]bool{}}
	p.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	t.Cleanup(p.client.CloseIdleConnections)
	run, err := start(exec.Command(prometheus, "--config.file="+filepath.Join(folder, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+p.address, "--log.level=warn"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.stop()
		if t.Failed() {
			t.Logf("what Prometheus said:\n%s", run.output)
		}
	})
	if err := run.until(30*time.Second, func() bool {
		response, err := p.client.Get("http://" + p.address + "/-/ready")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}); err != nil {
		t.Fatal(err)
	}
	return p
}

// get asks Prometheus' API. A query that Prometheus refuses is an error.
func (p *promServer) get(path string, query url.Values, data any) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+p.address+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("asking Prometheus: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return fmt.Errorf("%s: %s %s: %w", query.Get("query"), response.Status, answer.Error, err)
	}
	return nil
}

// sample is a value of Prometheus: a time in seconds, and a number as text.
type sample [2]any

func (s sample) read() (time.Time, float64) {
	seconds, _ := s[0].(float64)
	text, _ := s[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		value = math.NaN()
	}
	return time.UnixMilli(int64(seconds * 1000)), value
}

type promSeries struct {
	Metric map[string]string
	Values []sample
}

// between asks for an expression every second between two times.
func (p *promServer) between(expr string, from, to time.Time) ([]promSeries, error) {
	seconds := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	var data struct{ Result []promSeries }
	err := p.get("/api/v1/query_range", url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {"1"}}, &data)
	return data.Result, err
}

// alert is one alert that is pending or firing.
type alert struct {
	Labels map[string]string
	State  string
}

// is reports whether an alert is one that is described as "Name label=value …".
func (a alert) is(described string) bool {
	words := strings.Fields(described)
	if a.Labels["alertname"] != words[0] {
		return false
	}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		if a.Labels[name] != value {
			return false
		}
	}
	return true
}

// firing lists the alerts that fire now.
func (p *promServer) firing() ([]alert, error) {
	var data struct{ Alerts []alert }
	if err := p.get("/api/v1/alerts", nil, &data); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(data.Alerts, func(a alert) bool { return a.State != "firing" }), nil
}

// alertPatience bounds how long an alert may take: the longest scaled window,
// its `for`, and a slow machine.
const alertPatience = 90 * time.Second

// fires waits until each of the alerts has fired. Not all at once: the effect
// of a fault that is tried once a minute is over sooner than others come.
func (p *promServer) fires(described ...string) {
	p.t.Helper()
	missing := slices.Clone(described)
	for end := time.Now().Add(alertPatience); ; time.Sleep(200 * time.Millisecond) {
		all, err := p.firing()
		for _, a := range all {
			p.seen[a.Labels["alertname"]] = true
		}
		missing = slices.DeleteFunc(missing, func(d string) bool {
			return slices.ContainsFunc(all, func(a alert) bool { return a.is(d) })
		})
		if err == nil && len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("after %s these alerts do not fire: %q; these do: %v (%v)", alertPatience, missing, all, err)
		}
	}
}

// rests waits until no alert fires but those that are described.
func (p *promServer) rests(except ...string) {
	p.t.Helper()
	for end := time.Now().Add(alertPatience); ; time.Sleep(200 * time.Millisecond) {
		all, err := p.firing()
		all = slices.DeleteFunc(all, func(a alert) bool { return slices.ContainsFunc(except, a.is) })
		if err == nil && len(all) == 0 {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("after %s these alerts still fire: %v (%v)", alertPatience, all, err)
		}
	}
}

// evaluates checks that no rule has an error, and returns their names.
func (p *promServer) evaluates() []string {
	p.t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.get("/api/v1/rules", nil, &data); err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, group := range data.Groups {
		for _, rule := range group.Rules {
			names = append(names, rule.Name)
			if rule.Health != "ok" {
				p.t.Errorf("the rule %s is %s: %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	return names
}

// seriesOf asks for all that a panel shows, with its variables filled in.
func (p *promServer) seriesOf(shown panel, job, interval string, from, to time.Time) ([]series, error) {
	var all []series
	for _, q := range shown.Targets {
		expr := strings.ReplaceAll(q.Expr, "$job", job)
		found, err := p.between(substitute(expr, interval), from, to)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", shown, err)
		}
		for _, f := range found {
			one := series{legend: q.legend(f.Metric)}
			for _, s := range f.Values {
				at, value := s.read()
				one.at, one.values = append(one.at, at), append(one.values, value)
			}
			all = append(all, one)
		}
	}
	return all, nil
}

var legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legend fills the labels of a series into the legend.
func (q target) legend(labels map[string]string) string {
	return legendLabel.ReplaceAllStringFunc(q.LegendFormat, func(m string) string { return labels[legendLabel.FindStringSubmatch(m)[1]] })
}
