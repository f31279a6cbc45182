package doctor

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// redisInfo is what a Redis says about itself; "" is unknown.
type redisInfo struct {
	version    string
	appendOnly string // 1 or 0
	saves      bool   // whether it takes snapshots; valid if savesKnown
	savesKnown bool
	policy     string // maxmemory-policy
}

// verdict is what one of the checks of a Redis found.
type verdict struct {
	check  string
	status Status
	row    string
	says   advice.Text
}

// mayReadConfig asks whether CONFIG GET is allowed, without trying it: Redis
// logs each refusal. Redis 6.2 cannot tell.
const mayReadConfig = `if redis.acl_check_cmd and not redis.acl_check_cmd('CONFIG', 'GET', 'save') then return 0 end return 1`

// readInfo asks one Redis.
func readInfo(ctx context.Context, c redis.Cmdable) (redisInfo, error) {
	server, err := c.Info(ctx, "server").Result()
	if err != nil {
		return redisInfo{}, err
	}
	info := redisInfo{version: field(server, "redis_version")}
	if persistence, err := c.Info(ctx, "persistence").Result(); err == nil {
		info.appendOnly = field(persistence, "aof_enabled")
	}
	if memory, err := c.Info(ctx, "memory").Result(); err == nil {
		info.policy = field(memory, "maxmemory_policy")
	}
	if info.appendOnly != "0" {
		return info, nil
	}
	if may, err := c.Eval(ctx, mayReadConfig, nil).Int(); err == nil && may == 1 {
		if settings, err := c.ConfigGet(ctx, "save").Result(); err == nil {
			save, known := settings["save"]
			info.saves, info.savesKnown = save != "", known
		}
	}
	return info, nil
}

// field returns a field of INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// judgeRedis says what is wrong with a Redis.
func judgeRedis(info redisInfo, err error) []verdict {
	if err != nil {
		return []verdict{{"redis version", Unknown, "redis-unknown", text("Redis 不回答 INFO", "Redis does not answer INFO")}}
	}
	return []verdict{judgeVersion(info), judgeDisk(info), judgeEviction(info)}
}

func judgeVersion(info redisInfo) verdict {
	version, ok := parseVersion(info.version)
	switch {
	case !ok:
		return verdict{"redis version", Unknown, "redis-unknown", text("Redis 不说自己的版本", "Redis does not tell its version")}
	case older(version, leastRedis):
		return verdict{"redis version", Failure, "redis-version", text("Redis %s 太旧", "Redis %s is too old", named(info.version))}
	default:
		return verdict{"redis version", Pass, "", text("Redis %s", "Redis %s", named(info.version))}
	}
}

func judgeDisk(info redisInfo) verdict {
	switch {
	case info.appendOnly == "1":
		return verdict{"redis persistence", Pass, "", text("每次写入都保存到磁盘（appendonly yes）", "every write is kept on disk (appendonly yes)")}
	case info.appendOnly == "0" && info.savesKnown && info.saves:
		return verdict{"redis persistence", Warning, "redis-snapshots", text("只有快照", "there are snapshots only")}
	case info.appendOnly == "0" && info.savesKnown:
		return verdict{"redis persistence", Failure, "redis-persistence", text("不把数据写到磁盘", "nothing is kept on disk")}
	default:
		return verdict{"redis persistence", Unknown, "redis-unknown", text("Redis 不说是否保存数据", "Redis does not tell whether it keeps its data")}
	}
}

func judgeEviction(info redisInfo) verdict {
	switch info.policy {
	case "noeviction":
		return verdict{"redis eviction", Pass, "", text("内存满时不丢数据", "no data is dropped when the memory is full")}
	case "":
		return verdict{"redis eviction", Unknown, "redis-unknown", text("Redis 不说内存满时怎么办", "Redis does not tell what it does when its memory is full")}
	default:
		return verdict{"redis eviction", Failure, "redis-eviction", text("maxmemory-policy 是 %s", "maxmemory-policy is %s", named(info.policy))}
	}
}
