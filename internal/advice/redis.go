package advice

// redisRows are about Redis, and the gateways that share it.
var redisRows = []Advice{
	{
		"redis-down", nil,
		Text{"连不上 Redis", "Redis cannot be reached"},
		Text{"检查 store redis 的地址、端口、TLS 和防火墙，Redis 是否运行", "Check address, port and TLS of store redis, the firewall, and whether Redis runs"},
	},
	{
		"redis-password", nil,
		Text{"Redis 拒绝用户名或密码（WRONGPASS、NOAUTH）", "Redis refuses user name or password (WRONGPASS, NOAUTH)"},
		Text{"检查 store redis 的 username 和 password；地址里的特殊字符要百分号编码", "Check username and password of store redis; percent-encode special characters in the address"},
	},
	{
		"redis-rights", nil,
		Text{"Redis 用户权限不够（NOPERM）", "The user of Redis has too few rights (NOPERM)"},
		Text{"按 docs/fleet.zh-CN.md 给用户权限（ACL），每个节点都要设置", "Give the user the rights of docs/fleet.md (ACL), on every node"},
	},
	{
		"redis-version", nil,
		Text{"Redis 太旧", "Redis is too old"},
		Text{"升级到 Redis 6.2 或更新的版本", "Upgrade to Redis 6.2 or newer"},
	},
	{
		"redis-persistence", nil,
		Text{"Redis 不把数据写到磁盘", "Redis keeps nothing on disk"},
		Text{"先运行 redis-cli config set appendonly yes，再写进 redis.conf（只改文件就重启，Redis 会从空的开始）：没有它，Redis 重启后，每个人都会变成新用户", "Run redis-cli config set appendonly yes, and then write it into redis.conf (a restart with the changed file alone begins empty): without it, every person is a new one after a restart of Redis"},
	},
	{
		"redis-snapshots", nil,
		Text{"Redis 只有快照（RDB），没有 AOF", "Redis keeps snapshots only (RDB), no append-only file"},
		Text{"先运行 redis-cli config set appendonly yes，再写进 redis.conf（只改文件就重启，Redis 会从空的开始）：只有快照时，重启会丢失最近的登录和用户", "Run redis-cli config set appendonly yes, and then write it into redis.conf (a restart with the changed file alone begins empty): with snapshots alone, a restart loses the latest sign-ins and persons"},
	},
	{
		"redis-unknown", nil,
		Text{"Redis 不说明它的设置", "Redis does not tell its settings"},
		Text{"在 Redis 的控制台确认 appendonly yes 和 maxmemory-policy noeviction；或给用户 INFO 和 CONFIG GET 的权限", "Check appendonly yes and maxmemory-policy noeviction in the console of your Redis; or give the user the right to INFO and CONFIG GET"},
	},
	{
		"redis-eviction", nil,
		Text{"Redis 内存满时会丢数据", "Redis drops data when its memory is full"},
		Text{"设置 maxmemory-policy noeviction：别的策略会把访客一个个退出登录", "Set maxmemory-policy noeviction: every other policy signs visitors out one by one"},
	},
	{
		"redis-full", nil,
		Text{"Redis 不接受写入（OOM、MISCONF）", "Redis accepts no writes (OOM, MISCONF)"},
		Text{"给 Redis 更多内存（maxmemory）或磁盘空间", "Give Redis more memory (maxmemory) or disk space"},
	},
	{
		"redis-replica", nil,
		Text{"Redis 是只读副本（READONLY）", "Redis is a read-only replica (READONLY)"},
		Text{"地址要指向主节点；有 Sentinel 时用 redis+sentinel://", "The address must lead to the master; with Sentinel write redis+sentinel://"},
	},
	{
		"redis-slow", nil,
		Text{"Redis 回答很慢", "Redis answers slowly"},
		Text{"让 Redis 和网关在同一个机房；用 SLOWLOG GET 找出慢命令", "Put Redis into the same data centre as the gateways; look for slow commands with SLOWLOG GET"},
	},
	{
		"keys-differ", nil,
		Text{"换一台网关访客就要重新登录", "Visitors must sign in again when another gateway answers"},
		Text{
			"所有网关要有同样的会话密钥：在 session 里写同样的 key，或让它们共用 Caddy 的存储；刚轮换过密钥时等几分钟",
			"All gateways need the same session keys: write the same key into session, or let them share Caddy's storage; after a rotation wait some minutes",
		},
	},
	{
		"no-gateway", nil,
		Text{"Redis 里没有运行中的网关留下的记录", "No running gateway has left its mark in Redis"},
		Text{"启动网关后等一分钟再检查；检查 store redis 的地址和 prefix 是否和运行中的一样", "Start the gateway, wait a minute and check again; check that address and prefix of store redis are those of the running gateways"},
	},
}
