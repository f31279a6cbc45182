package fleetredis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// takeScript takes a key for a time, unless another taker has it. A value that
// never expires, or expires later than any taker asks for, was not written by a
// gateway (attack: a program that may write to Redis plants a lock for ever,
// and all callbacks wait for it).
//
// KEYS: the key. ARGV: its value, its TTL, and the longest TTL that another
// taker can have, in ms.
var takeScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 1 end
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

// take runs takeScript.
func take(ctx context.Context, client redis.UniversalClient, key, value string, ttl, longest time.Duration) (bool, error) {
	return takeScript.Run(ctx, client, []string{key}, value, max(ttl.Milliseconds(), 1), longest.Milliseconds()).Bool()
}
