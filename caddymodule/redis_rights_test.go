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

	"github.com/redis/go-redis/v9"

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

// documentedUsers are the lines of the file of users of docs/fleet.md.
func documentedUsers(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	users := regexp.MustCompile("(?m)^user .*$").FindAllString(string(text), -1)
	if len(users) != 4 {
		t.Fatalf("docs/fleet.md names %d users, want 4", len(users))
	}
	return users
}

// documentedGateway is the store of a gateway that docs/fleet.md describes.
func documentedGateway(backend redistest.Backend) string {
	return fmt.Sprintf(`{"store":"redis","address":%q,"username":"gateway","password":"long-secret-1"}`, backend.URL())
}

// With the users of docs/fleet.md, Redis keeps the ledger over a restart. It
// reads its append-only file as the user default: one without rights would lose
// every transaction.
func TestDocumentedUsersKeepTheLedger(t *testing.T) {
	backend := redistest.Standalone(t, redistest.Options{AppendOnly: true, Config: documentedUsers(t)})
	o := openOfficeWith(t, documentedGateway(backend), "")
	before := o.caller("ming").signIn()
	backend.Kill()
	backend.Restart()
	waitFor(t, func() bool { status, _, _ := o.call("GET", "/wechat/ready", ""); return status == http.StatusOK })
	if after := o.caller("ming").signIn(); after != before {
		t.Errorf("%s is %s after a restart of Redis", before, after)
	}
}

// Attack: another program on the same Redis rewrites who is who. The users that
// docs/fleet.md names keep it away, and let the gateway work.
func TestOtherProgramsOnRedisAreKeptAway(t *testing.T) {
	backend := redistest.Standalone(t, redistest.Options{Config: documentedUsers(t)})
	openOfficeWith(t, documentedGateway(backend), "").caller("ming").signIn()
	as := func(user, password string) redis.UniversalClient {
		o := backend.Universal()
		o.Username, o.Password = user, password
		return backend.Dial(o)
	}
	shop, gateway := as("shop", "long-secret-2"), as("gateway", "long-secret-1")
	if err := shop.Set(t.Context(), "shop:x", 1, 0).Err(); err != nil {
		t.Errorf("the other program cannot write its own: %v", err)
	}
	for name, command := range map[string][]any{
		"read a person":    {"hgetall", "wechat:{l}:person"},
		"rewrite a person": {"hset", "wechat:{l}:person", "x", "y"},
		"plant a claim":    {"set", "wechat:c:x", "1"},
		"rename":           {"rename", "shop:x", "wechat:c:x"},
		"copy":             {"copy", "wechat:c:x", "shop:y"},
		"by a script":      {"eval", "return redis.call('hset', 'wechat:{l}:person', 'x', 'y')", "0"},
		"sort":             {"sort", "shop:x", "by", "nosort", "get", "wechat:*"},
		"publish":          {"publish", "wechat:{l}:news", "e"},
		"listen":           {"subscribe", "wechat:sessions"},
		"flush":            {"flushall"},
		"swap":             {"swapdb", "0", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := shop.Do(t.Context(), command...).Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
				t.Errorf("%v gave %v, want NOPERM", command, err)
			}
		})
	}
	if err := gateway.Do(t.Context(), "flushall").Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("the gateway's user may throw all away: %v", err)
	}
	if err := as("", "").Ping(t.Context()).Err(); err == nil {
		t.Error("there is a way in without a user")
	}
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
	o.must("DELETE", "/wechat/sessions/"+list[0].ID+"?person="+ming, "", http.StatusNoContent)
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
