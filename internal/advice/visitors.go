package advice

// visitorRows are what visitors see in WeChat.
var visitorRows = []Advice{
	{
		"callback-domain",
		[]int{10003},
		Text{"微信页面显示“redirect_uri 参数错误”或 10003", "WeChat's page says \"redirect_uri 参数错误\" or 10003"},
		Text{
			"把网站的域名填到公众平台的“网页授权域名”（网站应用填到开放平台的“授权回调域”）：只填域名，不带 https:// 和路径；不止两个网站时用 callback_origin 共用一个域名",
			"Enter the host of the site as 网页授权域名 in the account's console (授权回调域 for a website app): the host alone, without https:// and path; more than two sites share one host with callback_origin",
		},
	},
	{
		"scope",
		[]int{10005, 48001},
		Text{"微信页面显示“Scope 参数错误或没有 Scope 权限”（10005），或日志里有 48001", "WeChat's page says \"Scope 参数错误或没有 Scope 权限\" (10005), or the log has 48001"},
		Text{
			"只有已认证的服务号能让访客登录（网页授权），也才能查询谁关注了公众号：在公众平台“接口权限”中查看；没有网页授权权限，就换一个账号（试用可以用测试号）；没有用户管理权限，就不能用 allow followers",
			"Only a verified service account (认证服务号) may sign visitors in (网页授权) and ask who follows it: look at 接口权限 in the console; without 网页授权 use another account (a 测试号 to try), without 用户管理 no allow followers",
		},
	},
	{
		"banned",
		[]int{10004},
		Text{"微信页面显示 10004，公众号被封禁", "WeChat's page shows 10004: the account is banned"},
		Text{"登录公众平台查看封禁通知并申诉；在解封之前无法登录", "Read the notice in the account's console and appeal; no visitor can sign in until then"},
	},
	{
		"follow-first",
		[]int{10006, 43004},
		Text{"微信页面显示 10006 或日志里有 43004：访客必须先关注", "WeChat's page shows 10006, or the log has 43004: the visitor must follow the account first"},
		Text{"这是测试号的限制：请访客先关注，或换成正式的服务号", "This is a limit of test accounts (测试号): the visitor follows it first, or you use a real service account"},
	},
	{
		"too-often",
		[]int{10009, 45011},
		Text{"操作太频繁（10009、45011）", "Too many attempts (10009, 45011)"},
		Text{"等一分钟再试；如果经常出现，检查是否有程序反复登录或调用接口", "Wait a minute; if it happens often, look for a program that signs in, or calls WeChat, again and again"},
	},
	{
		"authorize-address",
		[]int{10010, 10011, 10012, 10013},
		Text{"微信页面显示 10010 至 10013：授权地址不完整", "WeChat's page shows 10010 to 10013: the address of the sign-in is incomplete"},
		Text{"检查网关与访客之间是否有代理改写或截断了跳转地址", "Look for a proxy between the gateway and the visitor that rewrites or cuts the address of the redirect"},
	},
	{
		"third-party",
		[]int{10015},
		Text{"微信页面显示 10015：公众号未授权第三方平台", "WeChat's page shows 10015: the account has not authorised a third-party platform"},
		Text{"用公众号自己的 AppID 和 AppSecret，不要用第三方平台的", "Use the account's own app id and secret, not those of a third-party platform"},
	},
	{
		"wrong-kind",
		[]int{10016},
		Text{"微信页面显示 10016：不支持微信开放平台的 AppID", "WeChat's page shows 10016: an app id of the Open Platform does not work here"},
		Text{"official_account 里要写公众号（服务号）的 AppID；网站应用写到 website，移动应用写到 mobile_app", "Write the app id of the service account into official_account; a website app belongs in website, a mobile app in mobile_app"},
	},
	{
		"white-page", nil,
		Text{"微信里打开是白屏", "The page stays white in WeChat (白屏)"},
		Text{
			"先看应用自己是否出错（绕过网关访问它），再看网关日志这一分钟的行；如果只有 https 页面是白屏，检查证书链是否完整",
			"Ask the app without the gateway first, then read the lines of that minute in the gateway's log; if only https pages are white, check that the certificate chain is complete",
		},
	},
	{
		"endless", nil,
		Text{"一直跳转，登录不停地重来", "The sign-in redirects again and again (一直跳转)"},
		Text{
			"Cookie 没有回来：检查访客用的协议和域名与网站的 origin 是否一致、前面的代理是否删掉了 Set-Cookie、多台网关是否用同一个 Redis 和同样的密钥",
			"The cookie does not come back: check that visitors use the scheme and host of the site's origin, that no proxy removes Set-Cookie, and that all gateways use one Redis and the same keys",
		},
	},
	{
		"snapshot", nil,
		Text{"访客看到快照页，登录不进去", "The visitor sees a 快照页 (snapshot page) and is not signed in"},
		Text{
			"请访客点“使用完整服务”；不要一打开页面就要求 snsapi_userinfo（保持 consent page），只读页面可以用 snapshot guest",
			"The visitor taps 使用完整服务; do not ask for snsapi_userinfo at the first page (keep consent page); snapshot guest lets such visitors read",
		},
	},
}
