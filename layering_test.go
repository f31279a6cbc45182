package gateway_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Below the glue nobody knows Caddy: these rooms build in seconds, and could
// stand in front of an app without Caddy. The console is tested without it, too.
func TestRoomsBelowTheGlueDoNotKnowCaddy(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-test", "./session/...", "./internal/...", "./caddymodule/command/console").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	rooms := 0
	for line := range strings.Lines(string(out)) {
		pkg := strings.TrimSpace(line)
		if strings.HasPrefix(pkg, "github.com/caddyserver/") {
			t.Errorf("a room below the glue depends on %s", pkg)
		}
		if strings.HasPrefix(pkg, "github.com/caddy-wechat/gateway/internal/") {
			rooms++
		}
	}
	if rooms < 5 {
		t.Fatalf("only %d rooms seen: the list is not what it should be", rooms)
	}
}

// Each room imports only what its doc.go says.
func TestLayering(t *testing.T) {
	t.Parallel()
	const module = "github.com/caddy-wechat/gateway/"
	allowed := map[string][]string{
		"session":                     {"internal/heartbeat"},
		"internal/heartbeat":          {},
		"internal/advice":             {},
		"internal/wechat":             {"internal/advice"},
		"internal/ledger":             {},
		"internal/ledger/boltledger":  {"internal/ledger"},
		"internal/ledger/redisledger": {"internal/heartbeat", "internal/ledger"},
		"internal/ledger/ledgertest":  {"internal/ledger"},
		"internal/redistest":          {},
		"internal/page":               {},
		"internal/wechattest":         {},
		"internal/request":            {},
		"internal/form":               {},
		"internal/limit":              {},
		"internal/counters":           {},
		"internal/history":            {"internal/counters"},
		"internal/live":               {"session"},
		"internal/sessionlist":        {"session"},
		"internal/response":           {"internal/request"},
		"internal/health":             {"internal/response"},
		"internal/cookies":            {"session", "internal/request"},
		"internal/caches":             {"internal/cookies"},
		"internal/assertion":          {"session"},
		"internal/audit":              {"session", "internal/request"},
		"internal/eventqueue":         {"internal/audit", "internal/limit"},
		"internal/redislog":           {"internal/limit"},
		"internal/outage":             {"session", "internal/audit", "internal/ledger", "internal/limit", "internal/wechat"},
		"internal/notice":             {"session", "internal/ledger", "internal/limit", "internal/outage"},
		"internal/follow":             {"internal/ledger", "internal/limit", "internal/outage", "internal/wechat"},
		"internal/flow":               {"session", "internal/cookies", "internal/request", "internal/wechat"},
		"internal/profile":            {"session", "internal/audit", "internal/ledger", "internal/limit", "internal/wechat"},
		"internal/signout":            {"session", "internal/audit", "internal/cookies", "internal/counters", "internal/ledger", "internal/limit", "internal/notice", "internal/outage"},
		"internal/signin":             {"session", "internal/audit", "internal/counters", "internal/ledger", "internal/notice", "internal/outage", "internal/signout", "internal/wechat"},
		"internal/scan":               {"session", "internal/cookies", "internal/limit", "internal/request", "internal/signin", "internal/wechat"},
		"internal/fleetredis":         {"session", "internal/wechat"},
		"internal/doctor":             {"internal/advice", "internal/fleetredis", "internal/wechat"},
		"internal/push":               {"internal/wechat", "internal/ledger", "internal/limit"},
		"internal/webhook":            {"internal/wechat", "internal/ledger", "internal/limit"},
	}
	beneath := []string{"session", "internal/assertion", "internal/audit", "internal/caches", "internal/cookies", "internal/counters", "internal/flow", "internal/follow", "internal/ledger", "internal/limit", "internal/live", "internal/notice", "internal/outage", "internal/page", "internal/request", "internal/response", "internal/scan", "internal/signin", "internal/signout", "internal/wechat"}
	allowed["internal/site"] = beneath
	allowed["internal/clients"] = append(slices.Clone(beneath), "internal/site")
	allowed["internal/gate"] = append(slices.Clone(beneath), "internal/clients", "internal/form", "internal/site")
	rooms, err := exec.Command("go", "list", "./session/...", "./internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for room := range strings.FieldsSeq(string(rooms)) {
		room = strings.TrimPrefix(room, module)
		if _, ok := allowed[room]; !ok && !strings.HasSuffix(room, "test") {
			t.Errorf("%s is not in the list", room)
		}
	}
	for room, may := range allowed {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "./"+room).CombinedOutput()
		if err != nil {
			t.Fatalf("go list %s: %v\n%s", room, err, out)
		}
		for line := range strings.Lines(string(out)) {
			other, ours := strings.CutPrefix(strings.TrimSpace(line), module)
			if !ours {
				continue
			}
			ok := false
			for _, m := range may {
				ok = ok || other == m
			}
			if !ok {
				t.Errorf("%s must not import %s", room, other)
			}
		}
	}
}

// What requests say is read with the standard library alone.
func TestRequestNeedsNoLibrary(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./internal/request").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "github.com/caddy-wechat/gateway/internal/request" {
		t.Errorf("internal/request depends on %s", got)
	}
}

// The rules of persons know no store, and each store knows only its own.
func TestStoresStandApart(t *testing.T) {
	t.Parallel()
	const file, redis = "go.etcd.io/bbolt", "github.com/redis/go-redis"
	for room, forbidden := range map[string][]string{
		"internal/ledger":             {file, redis},
		"internal/ledger/boltledger":  {redis},
		"internal/ledger/redisledger": {file},
		"internal/fleetredis":         {file},
		"internal/signin":             {file}, // session knows Redis
		"internal/gate":               {file},
		"internal/push":               {file, redis},
		"internal/webhook":            {file, redis},
	} {
		t.Run(room, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command("go", "list", "-deps", "./"+room).CombinedOutput()
			if err != nil {
				t.Fatalf("go list: %v\n%s", err, out)
			}
			for pkg := range strings.Lines(string(out)) {
				for _, library := range forbidden {
					if strings.HasPrefix(pkg, library) {
						t.Errorf("%s depends on %s", room, strings.TrimSpace(pkg))
					}
				}
			}
		})
	}
}
