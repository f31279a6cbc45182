package caddymodule

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseRedisURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]redisPlan{
		"redis://127.0.0.1":                         {Addrs: []string{"127.0.0.1:6379"}},
		"redis://user:p%40ss@10.0.0.5:6380/3":       {Addrs: []string{"10.0.0.5:6380"}, Username: "user", Password: "p@ss", DB: 3},
		"redis://:pass@h":                           {Addrs: []string{"h:6379"}, Password: "pass"},
		"rediss://[::1]:7000/0":                     {Addrs: []string{"[::1]:7000"}, TLS: true},
		"rediss://[::1]":                            {Addrs: []string{"[::1]:6379"}, TLS: true},
		"redis+sentinel://u:p@a,b:1,c:2/mymaster/4": {Addrs: []string{"a:26379", "b:1", "c:2"}, Master: "mymaster", DB: 4, Username: "u", Password: "p"},
		"rediss+sentinel://a/m":                     {Addrs: []string{"a:26379"}, Master: "m", TLS: true},
		"redis+cluster://a:1,b:2":                   {Addrs: []string{"a:1", "b:2"}, Cluster: true},
		"rediss+cluster://:x@a:1,b:2/":              {Addrs: []string{"a:1", "b:2"}, Cluster: true, TLS: true, Password: "x"},
	} {
		got, err := parseRedisURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", raw, got, want)
		}
	}
	for _, raw := range []string{
		"", "redis", "http://a", "redis://", "redis://a,b", "redis://a:0", "redis://a:x", "redis://a/x", "redis://a/-1", "redis://a?x=1", "redis://a#x",
		"redis+sentinel://a", "redis+sentinel://a/", "redis+cluster://a/1", "redis://%zz:x@a", "redis://u:%zz@a", "redis://a:1:2", "unix:///tmp/x",
	} {
		if plan, err := parseRedisURL(raw); err == nil {
			t.Errorf("%q was taken: %+v", raw, plan)
		}
	}
}

// Attack: a password that is not encoded is taken for a host, and the error
// says it.
func TestRedisPasswordsAreInNoError(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"redis://u:s3cr/etPassw0rd=@127.0.0.1:1/0", "redis://:s3cr/et@h", "redis://u:s3cr#et@h", "redis://u:s3cr?et@h", "redis://u:s3cr@et@h",
		"redis://u:s3cr:et:0@h:x", "redis://u:s3cr/et@h:x/0", "redis://:s3cr/et", "redis://u:s3cr:et", "redis+sentinel://u:s3cr/et@a:1,b:x/m", "redis://s3cr et@h",
		"redis://u:s3cr%zz@h",
	} {
		_, err := parseRedisURL(raw)
		if err == nil || strings.Contains(err.Error(), "s3cr") || strings.Contains(err.Error(), "et@") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestRedisPasswordInTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		store   RedisStore
		literal bool
	}{
		{RedisStore{Address: "redis://h:6379/0"}, false},
		{RedisStore{Address: "{env.REDIS_URL}"}, false},
		{RedisStore{Address: "redis://gateway@h", Password: "{file./run/secrets/redis}"}, false},
		{RedisStore{Address: "redis://u:{env.REDIS_PASSWORD}@h"}, false},
		{RedisStore{Address: "redis://u:inline@h"}, true},
		{RedisStore{Address: "redis+sentinel://:inline@a,b/m"}, true},
		{RedisStore{Address: "redis://h", Password: "inline"}, true},
		{RedisStore{Address: "redis://h", SentinelPassword: "inline"}, true},
	} {
		if got := c.store.hasLiteral(); got != c.literal {
			t.Errorf("%+v: %v", c.store, got)
		}
	}
}

// The password is in no error, whatever is wrong behind it.
func FuzzParseRedisURL(f *testing.F) {
	for _, s := range []string{"h:6379/0", "h", "a,b/master", "%", "@", "/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		for scheme := range redisSchemes {
			_, err := parseRedisURL(scheme + "://user:s3cretPassw0rd@" + rest)
			if err != nil && strings.Contains(err.Error(), "s3cretPassw0rd") {
				t.Errorf("%q: %v", rest, err)
			}
		}
	})
}
