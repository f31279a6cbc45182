package doctor

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
)

// slowRedis is when Redis is slow: each request of a visitor may wait for it.
const slowRedis = 20 * time.Millisecond

// leastRedis is the oldest Redis that the gateway supports.
var leastRedis = [3]int{6, 2, 0}

// redis asks Redis about itself, and what the gateways have left there.
func (v *visit) redis(ctx context.Context) {
	if v.Problem != nil || v.Redis == nil {
		return
	}
	client, err := v.Redis.Open()
	if err != nil {
		v.find("redis", "", Failure, "redis-down", text("没有连接：%v", "there is no connection: %v", err))
		return
	}
	defer func() { _ = client.Close() }()
	if !v.pings(ctx, client) {
		return
	}
	v.masters(ctx, client)
	v.rights(ctx, client)
	v.gateways(ctx, fleetredis.Gateways{Client: client, Prefix: v.Redis.Prefix})
}

// pings measures how fast Redis answers. It returns false if it does not. The
// fastest answer counts: one that is late is as often the fault of this
// machine, busy at that moment, as of Redis or the way to it.
func (v *visit) pings(ctx context.Context, client redis.UniversalClient) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*onePatience)
	defer cancel()
	fastest := time.Duration(math.MaxInt64)
	for i := range 6 {
		began := time.Now()
		if err := client.Ping(ctx).Err(); err != nil {
			v.redisError("redis", err)
			return false
		}
		if i > 0 { // the first one opens the connection
			fastest = min(fastest, time.Since(began))
		}
	}
	if fastest > slowRedis {
		v.find("redis", "", Warning, "redis-slow", text("一次问答要 %s", "an answer takes %s", fastest.Round(time.Millisecond)))
		return true
	}
	v.pass("redis", "", text("Redis 在 %s 内回答", "Redis answers within %s", fastest.Round(10*time.Microsecond)))
	return true
}

// redisErrors are the errors of Redis by how they begin.
var redisErrors = []struct{ prefix, row string }{
	{"WRONGPASS", "redis-password"},
	{"NOAUTH", "redis-password"},
	{"NOPERM", "redis-rights"},
	{"READONLY", "redis-replica"},
	{"OOM", "redis-full"},
	{"MISCONF", "redis-full"},
}

// redisError says what an error of Redis means. Of the error itself only a word
// of this table is shown (attack: a server that repeats the password).
func (v *visit) redisError(check string, err error) {
	for _, e := range redisErrors {
		if redis.HasErrorPrefix(err, e.prefix) {
			v.find(check, "", Failure, e.row, text("Redis 回答 %s", "Redis answers %s", e.prefix))
			return
		}
	}
	if said := redis.Error(nil); errors.As(err, &said) {
		v.find(check, "", Unknown, "redis-unknown", text("Redis 拒绝了一个命令", "Redis refuses a command"))
		return
	}
	v.find(check, "", Failure, "redis-down", text("Redis 没有回答", "Redis does not answer"))
}

// masters reads the settings of every master.
func (v *visit) masters(ctx context.Context, client redis.UniversalClient) {
	ctx, cancel := context.WithTimeout(ctx, 2*onePatience)
	defer cancel()
	worst := make(map[string]verdict)
	var guard sync.Mutex
	look := func(ctx context.Context, c redis.Cmdable) error {
		info, err := readInfo(ctx, c)
		guard.Lock()
		defer guard.Unlock()
		for _, found := range judgeRedis(info, err) {
			if old, known := worst[found.check]; !known || found.status > old.status {
				worst[found.check] = found
			}
		}
		return nil
	}
	var err error
	if cluster, ok := client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return look(ctx, c) })
	} else {
		err = look(ctx, client)
	}
	if err != nil {
		v.redisError("redis", err)
	}
	for _, check := range []string{"redis version", "redis persistence", "redis eviction"} {
		if found, ok := worst[check]; ok {
			v.found = append(v.found, Finding{check, "", found.status, found.says, found.row})
		}
	}
}

// rights tries the kinds of commands that the gateway uses, each in a form that
// changes nothing: they work on a key that is not there.
func (v *visit) rights(ctx context.Context, client redis.UniversalClient) {
	ctx, cancel := context.WithTimeout(ctx, 2*onePatience)
	defer cancel()
	key := v.Redis.Prefix + "doctor:nothing"
	for _, try := range []func() error{
		func() error { return client.Get(ctx, key).Err() },
		func() error { return client.SetXX(ctx, key, "x", time.Second).Err() },
		func() error { return client.HGetAll(ctx, key).Err() },
		func() error { return client.ZRem(ctx, key, "x").Err() },
		func() error { return client.Del(ctx, key).Err() },
		func() error { return client.Eval(ctx, "return 1", []string{key}).Err() },
		func() error { return client.Publish(ctx, key, "x").Err() },
		func() error { return client.Time(ctx).Err() },
		func() error { return subscribes(ctx, client, key) },
	} {
		if err := try(); err != nil && !errors.Is(err, redis.Nil) {
			v.redisError("redis rights", err)
			return
		}
	}
	v.pass("redis rights", "", text("用户有需要的权限", "the user has the rights it needs"))
}

// subscribes opens a channel on which nobody speaks.
func subscribes(ctx context.Context, client redis.UniversalClient, channel string) error {
	subscription := client.Subscribe(ctx, channel)
	defer func() { _ = subscription.Close() }()
	_, err := subscription.Receive(ctx)
	return err
}
