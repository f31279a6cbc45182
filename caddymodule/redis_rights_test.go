package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// A user of Redis with the rights that docs/fleet.md names, and no others, is
// enough for everything that a gateway does.
func TestRedisRights(t *testing.T) {
	for name, start := range map[string]func(*testing.T) redistest.Backend{
		"standalone": func(t *testing.T) redistest.Backend { return redistest.Standalone(t, redistest.Options{}) },
		"cluster":    func(t *testing.T) redistest.Backend { return redistest.Cluster(t) },
	} {
		t.Run(name, func(t *testing.T) {
			backend := start(t)
			for _, server := range backend.Servers() {
				user := append([]any{"acl", "setuser", "gateway", "on", ">secret"}, documentedRights(t, name == "cluster")...)
				if err := server.Do(user...).Err(); err != nil {
					t.Fatal(err)
				}
			}
			heard := make(chan string, 100)
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header.Get("webhook-id") }))
			t.Cleanup(receiver.Close)
			store := fmt.Sprintf(`{"store":"redis","address":%q,"username":"gateway","password":"secret"}`, backend.URL())
			o := openOfficeWith(t, store, fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["%s"]}],`, receiver.URL, strings.Repeat("k", 32)))
			o.worksAltogether(t)
			<-heard
			for _, server := range backend.Servers() {
				if denied, err := server.Do("acl", "log").Slice(); err != nil || len(denied) != 0 {
					t.Errorf("Redis has denied %v, %v", denied, err)
				}
			}
		})
	}
}

// documentedRights are those of docs/fleet.md, for the default prefix.
func documentedRights(t *testing.T, cluster bool) (rights []any) {
	t.Helper()
	text, err := os.ReadFile("../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("needs `(~<prefix>[^`]*)`; in a Cluster also `([^`]*)`").FindStringSubmatch(string(text))
	if found == nil {
		t.Fatal("docs/fleet.md does not name the rights")
	}
	list := found[1]
	if cluster {
		list += " " + found[2]
	}
	for _, right := range strings.Fields(strings.ReplaceAll(list, "<prefix>", "wechat:")) {
		rights = append(rights, right)
	}
	return rights
}

// worksAltogether walks through what a gateway does with its store.
func (o *office) worksAltogether(t *testing.T) {
	t.Helper()
	callers := []*caller{o.caller("ming"), o.caller("ming"), o.caller("ming")}
	var ming string
	for _, c := range callers {
		ming = c.signIn()
	}
	hong := o.caller("hong")
	other := hong.signIn()
	list := o.sessions(ming)
	if len(list) != len(callers) {
		t.Fatalf("%d sessions", len(list))
	}
	o.must("DELETE", "/wechat/sessions/"+list[0]["id"]+"?person="+ming, "", http.StatusNoContent)
	o.must("DELETE", "/wechat/sessions?person="+ming, "", http.StatusOK)
	o.must("GET", "/wechat/persons/"+ming, "", http.StatusOK)
	o.must("POST", "/wechat/ledger", o.must("GET", "/wechat/ledger", "", http.StatusOK), http.StatusOK)
	o.must("POST", "/wechat/ledger", o.ledgerFile(), http.StatusOK)
	o.must("DELETE", "/wechat/persons/"+other, "", http.StatusNoContent)
	waitFor(t, func() bool { return !callers[1].isSignedIn() && !hong.isSignedIn() })
	var hooks []struct{ Dead int }
	if err := json.Unmarshal([]byte(o.must("GET", "/wechat/webhooks", "", http.StatusOK)), &hooks); err != nil || len(hooks) != 1 || hooks[0].Dead != 0 {
		t.Errorf("%v, %v", hooks, err)
	}
	o.must("GET", "/wechat/webhooks/crm/dead", "", http.StatusOK)
	o.must("POST", "/wechat/webhooks/crm/redeliver", "", http.StatusOK)
}
