package caddymodule_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// allKinds is the JSON of one account of each other kind, and of a webhook.
const allKinds = `"mini_programs":[{"app_id":"wx0123456789abcde1","app_secret":"{env.SECRET}"}],
	"mobile_apps":[{"app_id":"wx0123456789abcde2","app_secret":"{env.SECRET}"}],
	"websites":[{"app_id":"wx0123456789abcde3","app_secret":"{env.SECRET}"}],
	"webhooks":[{"name":"crm","url":"http://127.0.0.1:1/","secrets":["0123456789012345678901234567890123456789"]}],`

// namesOf are the accounts of allKinds by the words of the document.
var namesOf = map[string]string{"official account": "default", "mini program": "mini_program", "mobile app": "mobile_app", "website": "website"}

// openEverything runs a gateway with an account of each kind, a webhook, and
// message push.
func openEverything(t *testing.T, store string) *office {
	t.Helper()
	o := openOfficeWith(t, store, allKinds)
	o.load(strings.Replace(o.config, `"official_accounts":[{`, `"official_accounts":[{"push":{"tokens":["0123456789abcdef"]},`, 1))
	return o
}

// The metrics of a gateway that has done nothing yet and the documents are the
// same: names, types, labels, and every value of every label. So every series
// is there from the first scrape.
func TestMetricsAreThoseOfTheDocument(t *testing.T) {
	o := openEverything(t, local(t))
	s := o.scrape()
	for _, name := range metricsDocuments {
		t.Run(name, func(t *testing.T) {
			compareMetrics(t, s, readMetricsDocument(t, name))
		})
	}
}

// compareMetrics compares what was scraped with a document.
func compareMetrics(t *testing.T, s scrape, d documented) {
	t.Helper()
	for metric, kind := range s.types {
		switch d.types[metric] {
		case kind:
		case "":
			t.Errorf("the document lacks the %s %s: add a row to its first table, and its labels", kind, metric)
		default:
			t.Errorf("%s is a %s, and in the document a %s", metric, kind, d.types[metric])
		}
	}
	live := map[string][]map[string]string{}
	for name := range s.values {
		metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		if base := histogramOf(metric, s.types); base != "" {
			metric = base
		}
		values := labelsOf(labels)
		delete(values, "le")
		if isOfAnotherTest(values) {
			continue
		}
		live[metric] = append(live[metric], values)
	}
	for metric, names := range d.labels {
		if s.types[metric] == "" || len(live[metric]) == 0 {
			t.Errorf("%s is in the document, and the first scrape does not have it: give the metric its series when the configuration is loaded, or remove it from the document", metric)
			continue
		}
		want := expected(d, metric, names)
		got := map[string]bool{}
		for _, values := range live[metric] {
			got[seriesName(metric, values)] = true
		}
		for series := range want {
			if !got[series] {
				t.Errorf("the document promises %s, and the first scrape does not have it", series)
			}
		}
		for series := range got {
			if !want[series] {
				t.Errorf("the document lacks %s: add the value of the label to its table", series)
			}
		}
	}
}

// isOfAnotherTest says whether a series has an account or a webhook that
// another test of this process has configured.
func isOfAnotherTest(labels map[string]string) bool {
	account, ok := labels["account"]
	if ok && account != "" && !slices.Contains(slices.Collect(maps.Values(namesOf)), account) {
		return true
	}
	webhook, ok := labels["webhook"]
	return ok && webhook != "crm"
}

// histogramOf returns the histogram that a series is a part of, "" for none.
func histogramOf(name string, types map[string]string) string {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, part); ok && types[base] == "histogram" {
			return base
		}
	}
	return ""
}

// expected returns the series that the document promises for a metric.
func expected(d documented, metric string, names []string) map[string]bool {
	rows := []map[string]string{{}}
	for _, name := range names {
		var longer []map[string]string
		for _, row := range rows {
			for _, v := range valuesOf(d, metric, name, row) {
				next := map[string]string{name: v}
				for k, v := range row {
					next[k] = v
				}
				longer = append(longer, next)
			}
		}
		rows = longer
	}
	all := map[string]bool{}
	for _, row := range rows {
		all[seriesName(metric, row)] = true
	}
	return all
}

// valuesOf returns the values of a label beside those that a row has already.
func valuesOf(d documented, metric, name string, row map[string]string) (values []string) {
	switch {
	case name == "webhook":
		return []string{"crm"}
	case name == "account" && strings.Contains(metric, "_pushes_"), name == "account" && strings.HasSuffix(metric, "step_ups_total"):
		return []string{"default"}
	case name == "account":
		for _, account := range namesOf {
			values = append(values, account)
		}
		if strings.HasSuffix(metric, "audit_events_total") {
			values = append(values, "")
		}
		return values
	}
	table := d.values[name+" of "+metric]
	if table == nil {
		table = d.values[name]
	}
	for _, v := range table {
		if belongs(v, name, row) && !slices.Contains(values, v.value) {
			values = append(values, v.value)
		}
	}
	return values
}

// chineseKinds are the kinds of accounts in Chinese.
var chineseKinds = map[string]string{"服务号": "official account", "小程序": "mini program", "移动应用": "mobile app", "网站应用": "website"}

// belongs says whether a value stands beside the account or the store of a row.
func belongs(v documentedValue, name string, row map[string]string) bool {
	switch store, account := row["store"], row["account"]; {
	case name == "call":
		return slices.Contains(words(v.second), store)
	case (name == "way" || name == "endpoint") && account != "":
		for _, kind := range strings.FieldsFunc(v.second, func(r rune) bool { return r == ',' || r == '、' }) {
			kind = strings.TrimSpace(kind)
			if namesOf[cmp.Or(chineseKinds[kind], kind)] == account {
				return true
			}
		}
		return false
	}
	return true
}

// Counts go on when a configuration replaces another one, and with an account
// that comes with it.
func TestMetricsGoOnThroughAReload(t *testing.T) {
	o := openEverything(t, local(t))
	before := o.scrape()
	o.caller("ming").signIn()
	signedIn := map[string]float64{
		`sign_ins_started_total{account="default",way="browser"}`:                      1,
		`sign_ins_finished_total{account="default",outcome="signed_in",way="browser"}`: 1,
		`sessions_made_total{account="default"}`:                                       1,
		`api_calls_total{account="default",endpoint="exchange",errcode="0"}`:           1,
		`requests_total{decision="begin"}`:                                             1,
		`requests_total{decision="endpoint"}`:                                          1,
		`requests_total{decision="pass"}`:                                              1,
	}
	wantRise(t, "a sign-in", before, o.scrape(), signedIn)
	o.load(strings.Replace(o.config, `"mini_programs":[{`, `"mini_programs":[{"name":"second","app_id":"wx0123456789abcde4","app_secret":"{env.SECRET}"},{`, 1))
	after := o.scrape()
	wantRise(t, "after a reload", before, after, signedIn)
	if _, ok := after.values[`caddy_wechat_sign_ins_finished_total{account="second",outcome="busy",way="mini_program"}`]; !ok {
		t.Error("the account that came with the reload has no series")
	}
	o.caller("hong").signIn()
	wantRise(t, "after another sign-in", after, o.scrape(), signedIn)
}

// Attack: names that a visitor invents become labels, and fill the memory of
// all who read them.
func TestAttackVisitorsMakeNoMetrics(t *testing.T) {
	o := openEverything(t, local(t))
	before := o.scrape()
	for i, path := range []string{
		"/_wechat/mini-program/evil%d/login", "/_wechat/mobile-app/evil%d/login", "/_wechat/push/evil%d", "/_wechat/evil%d",
		"/_wechat/callback/evil%d/evil?code=evil&state=evil", "/_wechat/callback/at/https/evil%d/x?code=evil", "/_wechat/ticket/evil%d/evil",
		"/evil%d?wechat_ticket=evil", "/_wechat/scan/evil%d", "/_wechat/login?scope=evil%d&asked_by=evil&return_to=/evil",
	} {
		for _, method := range []string{"GET", "POST", "EVIL"} {
			request, err := http.NewRequestWithContext(t.Context(), method, o.site+fmt.Sprintf(path, i), strings.NewReader(`{"code":"evil","nonce":"evilevilevilevil"}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("User-Agent", phoneUA+" evil")
			request.Header.Set("X-Wechat-Account", "evil")
			request.Header.Set("Authorization", "Bearer evil.evil")
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
		}
	}
	after := o.scrape()
	for name := range after.values {
		if _, ok := before.values[name]; !ok {
			t.Errorf("%s is new", name)
		}
		if strings.Contains(name, "evil") {
			t.Error(name)
		}
	}
	if after.values[`caddy_wechat_requests_total{decision="endpoint"}`] <= before.values[`caddy_wechat_requests_total{decision="endpoint"}`] {
		t.Error("the requests were not counted at all")
	}
}
