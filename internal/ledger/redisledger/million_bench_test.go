package redisledger

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// BenchmarkRedisMillion: docs/admin.md has the figures. It needs some 2 GB of
// memory.
func BenchmarkRedisMillion(b *testing.B) {
	o := redistest.Standalone(b, redistest.Options{}).Universal()
	o.ContextTimeoutEnabled = true
	o.ReadTimeout = 2 * time.Minute // makeOld holds Redis up, which no gateway does
	c := redis.NewUniversalClient(o)
	b.Cleanup(func() { c.Close() })
	r := testRedis(b, c, "", nil)
	ledgertest.BenchMillion(b, r)
	all := usedMemory(b, r)
	err := errors.Join(
		c.Del(b.Context(), r.key(keySeen), r.key(keyNickname)).Err(),
		c.HDel(b.Context(), r.key("meta"), "lists").Err(),
		c.Eval(b.Context(), makeOld, []string{r.key("person")}).Err(),
	)
	if err != nil {
		b.Fatal(err)
	}
	indexes, begun := all-usedMemory(b, r), time.Now()
	if err := r.reindexOnce(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d MB, of them %d MB of indexes, which are built in %v", all>>20, indexes>>20, time.Since(begun).Round(time.Millisecond))
}

// makeOld gives all records the stamps of an older gateway.
const makeOld = `
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
	redis.call('HSET', KEYS[1], id, 'A' .. string.sub(redis.call('HGET', KEYS[1], id), 2))
end
return 0`
