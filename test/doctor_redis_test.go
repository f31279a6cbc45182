package test

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// redisChecks are the checks of a set-up on Redis.
var redisChecks = []string{"redis", "redis version", "redis persistence", "redis eviction", "redis rights", "keys", "fleet versions"}

// A healthy set-up on each kind of Redis yields nothing but passes.
func TestDoctorHealthyRedis(t *testing.T) {
	o := redistest.Options{Password: "redisPasswordOfTheClinic", AppendOnly: true}
	for name, start := range map[string]func(*testing.T) (url string, backend redistest.Backend){
		"standalone": func(t *testing.T) (string, redistest.Backend) {
			b := redistest.Standalone(t, o)
			return b.URL(), b
		},
		"sentinel": func(t *testing.T) (string, redistest.Backend) {
			b := redistest.SentinelWith(t, o)
			return b.URL(), b
		},
		"cluster": func(t *testing.T) (string, redistest.Backend) {
			b := redistest.ClusterWith(t, o)
			return b.URL(), b
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, backend := start(t)
			c := newClinic(t)
			c.env, c.secrets = append(c.env, "CLINIC_REDIS="+url), append(c.secrets, o.Password)
			path := c.start(c.caddyfile("store redis {env.CLINIC_REDIS}"))
			c.listed(backend)
			c.examine(c.both(path)...).isWell(t, append(redisChecks, wellChecks...)...)
		})
	}
}

// listed waits until the clinic's gateway is in the list of gateways.
func (c *clinic) listed(b redistest.Backend) []fleetredis.Gateway {
	c.t.Helper()
	list := fleetredis.Gateways{Client: b.Client(), Prefix: "wechat:"}
	defer func() { _ = list.Client.Close() }()
	for range 600 {
		if all, err := list.List(c.t.Context()); err == nil && len(all) > 0 {
			return all
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatal("the gateway is not listed in Redis after half a minute")
	return nil
}

// Each mistake about Redis leads to its fix, and is undone.
func TestDoctorNamesMistakesAtRedis(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{Password: "redisPasswordOfTheClinic", AppendOnly: true})
	c := newClinic(t)
	c.env = append(c.env, "CLINIC_REDIS="+server.URL(), "OTHER_KEY=a key that no other gateway of them has", "OTHER_PASSWORD=wrongRedisPassword")
	c.secrets = append(c.secrets, "redisPasswordOfTheClinic", "a key that no other gateway of them has", "wrongRedisPassword", "rightsOfAStranger")
	well := c.caddyfile("store redis {env.CLINIC_REDIS}")
	c.start(well)
	own := c.listed(server)[0]
	list := fleetredis.Gateways{Client: server.Client(), Prefix: "wechat:"}
	defer func() { _ = list.Client.Close() }()
	set := func(name, value string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			old, err := server.Do("config", "get", name).Result()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Do("config", "set", name, value).Err(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if pairs, ok := old.(map[any]any); ok {
					server.Do("config", "set", name, pairs[name])
				} else if pairs, ok := old.([]any); ok && len(pairs) == 2 {
					server.Do("config", "set", name, pairs[1])
				}
			})
		}
	}
	report := func(g fleetredis.Gateway) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			g.ID, g.At = "other/1", time.Now()
			if err := list.Report(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.Do("hdel", "wechat:gateways", g.ID) })
		}
	}
	for name, m := range map[string]struct {
		plant  []func(*testing.T)
		store  string // other than that of the server
		key    string
		advice string
		words  []string
	}{
		"nothing on disk":   {plant: []func(*testing.T){set("appendonly", "no")}, advice: "redis-persistence"},
		"snapshots only":    {plant: []func(*testing.T){set("appendonly", "no"), set("save", "3600 1")}, advice: "redis-snapshots"},
		"eviction":          {plant: []func(*testing.T){set("maxmemory-policy", "allkeys-lru")}, advice: "redis-eviction", words: []string{"allkeys-lru"}},
		"memory is full":    {plant: []func(*testing.T){set("maxmemory", "1")}, advice: "redis-full", words: []string{"OOM"}},
		"a replica":         {plant: []func(*testing.T){replica(server)}, advice: "redis-replica"},
		"wrong password":    {store: "store redis " + strings.Replace(server.URL(), "redisPasswordOfTheClinic", "{env.OTHER_PASSWORD}", 1), advice: "redis-password"},
		"password in file":  {store: "store redis " + server.URL(), advice: "inline-secret", words: []string{"store redis"}},
		"Redis is not here": {store: "store redis redis://127.0.0.1:1/0", advice: "redis-down"},
		"too few rights":    {plant: []func(*testing.T){stranger(server)}, store: "store redis " + strings.Replace(server.URL(), ":redisPasswordOfTheClinic", "stranger:rightsOfAStranger", 1), advice: "redis-rights", words: []string{"NOPERM"}},
		"another prefix":    {store: "store redis {env.CLINIC_REDIS} {\n\t\t\tprefix other:\n\t\t}", advice: "no-gateway"},
		"other keys":        {key: "{env.OTHER_KEY}", advice: "keys-differ", words: []string{own.ID}},
		"keys of a gateway": {plant: []func(*testing.T){report(fleetredis.Gateway{Version: own.Version, Caddy: own.Caddy, Keys: []string{"0011223344556677"}})}, advice: "keys-differ", words: []string{"other/1"}},
		"versions differ":   {plant: []func(*testing.T){report(fleetredis.Gateway{Version: "v0.1.0", Caddy: own.Caddy, Keys: own.Keys})}, advice: "version", words: []string{"v0.1.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, plant := range m.plant {
				plant(t)
			}
			changed := well
			if m.store != "" {
				changed = strings.Replace(changed, "store redis {env.CLINIC_REDIS}", m.store, 1)
			}
			if m.key != "" {
				changed = strings.Replace(changed, "{env.CLINIC_KEY}", m.key, 1)
			}
			c.examine("--config", c.write("changed", changed)).leadsTo(t, m.advice, m.words...)
		})
	}
	c.examine("--config", c.write("changed", well)).isWell(t, redisChecks...)
}

// replica makes the server one that reads only.
func replica(server *redistest.Server) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err := server.Do("replicaof", "127.0.0.1", "1").Err(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Do("replicaof", "no", "one") })
	}
}

// stranger adds a user that may read, and no more.
func stranger(server *redistest.Server) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err := server.Do("acl", "setuser", "stranger", "on", ">rightsOfAStranger", "~*", "&*", "+@read", "+@connection", "+info").Err(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Do("acl", "deluser", "stranger") })
	}
}
