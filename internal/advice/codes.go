package advice

// codeRows are the answers of WeChat's servers.
var codeRows = []Advice{
	{
		"code-used",
		[]int{40163},
		Text{"日志里有 40163（code been used）", "The log has 40163 (code been used)"},
		Text{
			"偶尔出现不用处理，网关会重新登录；经常出现时，检查是否有别的程序也在兑换 code，或多台网关没有共用一个 Redis",
			"Nothing to do if it is rare: the gateway starts the sign-in again; if it is frequent, look for another program that exchanges the code, or for gateways that do not share one Redis",
		},
	},
	{
		"code-invalid",
		[]int{40029, 42003, 41008},
		Text{"日志里有 40029、42003 或 41008：code 无效或过期", "The log has 40029, 42003 or 41008: the code is invalid or too old"},
		Text{
			"偶尔出现不用处理，访客会重新登录；经常出现时，检查 AppID 是否是发出 code 的那个账号",
			"Nothing to do if it is rare: the visitor signs in again; if it is frequent, check that the app id is that of the account that made the code",
		},
	},
	{
		"secret",
		[]int{40125, 41004},
		Text{"日志里有 40125（invalid appsecret）", "The log has 40125 (invalid appsecret)"},
		Text{
			"AppSecret 不对：把这个账号现在的 AppSecret 写到 app_secret，用 caddy reload --force 加载（环境变量和 LoadCredential 要重启）；谁都没有它时才去微信后台重置：旧的会马上失效，别的程序也不能用了",
			"The AppSecret is wrong: write the account's present one into app_secret and load it with caddy reload --force (restart if it comes from a variable or LoadCredential); reset it only if nobody has it: the old one is dead at once, for other programs, too",
		},
	},
	{
		"credential",
		[]int{40001, 40014, 42001},
		Text{"日志里有 40001、40014 或 42001：凭证无效", "The log has 40001, 40014 or 42001: the credential is invalid"},
		Text{
			"检查 app_secret；如果只是有时出现，说明还有别的程序用 /cgi-bin/token 取令牌：让它也改用 stable_token",
			"Check app_secret; if it happens only at times, another program fetches tokens with /cgi-bin/token: let it use stable_token, too",
		},
	},
	{
		"app-id",
		[]int{40013, 41002},
		Text{"日志里有 40013（invalid appid）", "The log has 40013 (invalid appid)"},
		Text{
			"从微信后台“开发者ID（AppID）”复制 wx 开头的 AppID；不是原始ID（gh_…），也不是别的类型账号的 AppID",
			"Copy the AppID from WeChat's console: it begins with wx, and is neither the original id (gh_…) nor the app id of an account of another kind",
		},
	},
	{
		"allowlist",
		[]int{40164, 61004, 60020},
		Text{"日志里有 40164（not in whitelist）", "The log has 40164 (not in whitelist)"},
		Text{
			"把这个地址加到公众平台“设置与开发 → 安全中心 → IP白名单”；服务器的出口地址会变时，用固定地址的代理",
			"Add this address to the account's IP allowlist (IP白名单, in the console under 安全中心); if your server's address changes, use a proxy with a fixed one",
		},
	},
	{
		"frozen",
		[]int{40243},
		Text{"日志里有 40243（AppSecret 已被冻结）", "The log has 40243 (the AppSecret is frozen)"},
		Text{"在微信后台解冻 AppSecret（不用重新加载）；如果是因为泄露才冻结的，就重置，写到 app_secret，再用 caddy reload --force 加载（环境变量和 LoadCredential 要重启）", "Unfreeze the AppSecret in WeChat's console (no reload is needed); if it was frozen because it leaked, reset it, write the new one into app_secret, and load it with caddy reload --force (restart if it comes from a variable or LoadCredential)"},
	},
	{
		"administrator",
		[]int{89501, 89503, 89506, 89507},
		Text{"日志里有 89501、89503、89506 或 89507：管理员还没有确认，或已拒绝", "The log has 89501, 89503, 89506 or 89507: an administrator has not confirmed, or has refused"},
		Text{
			"请公众号管理员在手机微信的模板消息里确认这次调用，或把地址加到 IP白名单；拒绝之后要等 1 或 24 小时",
			"Ask the account's administrator to confirm the call in WeChat on the phone, or add the address to the IP allowlist (IP白名单); after a refusal wait 1 or 24 hours",
		},
	},
	{
		"quota",
		[]int{45009},
		Text{"日志里有 45009（当天次数用完）", "The log has 45009 (the day's quota is used up)"},
		Text{
			"在公众平台“接口权限”查看用量，每月可以清零十次；找出反复调用的程序，多台网关要共用一个 Redis",
			"Look at the usage in 接口权限 of the console, where it can be cleared ten times a month; find the program that calls again and again; several gateways must share one Redis",
		},
	},
	{
		"busy",
		[]int{-1},
		Text{"日志里有 -1（system error）", "The log has -1 (system error)"},
		Text{"微信系统繁忙：等几分钟再试，网关会自己重试", "WeChat is busy: wait some minutes, the gateway tries again by itself"},
	},
	{
		"blocked-visitor",
		[]int{40226, 50002},
		Text{"日志里有 40226 或 50002：微信限制了这个访客", "The log has 40226 or 50002: WeChat restricts this visitor"},
		Text{"网关无法处理：请访客在微信里查看自己的账号状态", "Nothing that the gateway can do: the visitor finds the reason in WeChat"},
	},
	{
		"sign-in-again",
		[]int{40030, 42002, 42007, 50001, 87009},
		Text{"日志里有 40030、42002、42007、50001 或 87009：授权已失效", "The log has 40030, 42002, 42007, 50001 or 87009: the visitor's authorisation has ended"},
		Text{"不用处理：访客会重新登录", "Nothing to do: the visitor signs in again"},
	},
	{
		"api-banned",
		[]int{48004},
		Text{"日志里有 48004（接口被封禁）", "The log has 48004 (api banned)"},
		Text{"登录公众平台查看封禁通知并申诉", "Read the notice in the account's console and appeal"},
	},
	{
		"request",
		[]int{40003, 40035, 40097, 41001, 41003, 41009, 61023},
		Text{"日志里有 40003、40035、40097、41001、41003、41009 或 61023：请求不对", "The log has 40003, 40035, 40097, 41001, 41003, 41009 or 61023: the request is wrong"},
		Text{
			"检查 api_url 指向的代理是否改写请求；没有代理时，升级网关，再带着 rid 报告问题",
			"Check that the proxy at api_url does not change requests; without a proxy, update the gateway, then report the fault with its rid",
		},
	},
	{
		Unknown, nil,
		Text{"日志里有上面没有的错误码", "The log has an errcode that is not in this table"},
		Text{"在微信的“全局返回码”里查这个数字，并把 rid 告诉微信客服", "Look the number up in WeChat's list of error codes (全局返回码), and give its rid to WeChat's support"},
	},
}
