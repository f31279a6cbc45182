package advice

// setupRows are mistakes in the configuration, and what they lead to.
var setupRows = []Advice{
	{
		"configuration", nil,
		Text{"配置无法加载", "The configuration cannot be loaded"},
		Text{
			"按这句话修改配置；环境变量要和服务器的一样：用服务器的用户和环境运行这个命令",
			"Change what the sentence names; run the command as the server's user and with the server's environment, so that variables are set",
		},
	},
	{
		"inline-secret", nil,
		Text{"密钥直接写在配置里", "A secret is written in the configuration"},
		Text{
			"改成 {env.…} 或 {file.…}：管理端点和保存的配置会显示写在配置里的值；换掉已经泄露的密钥",
			"Write {env.…} or {file.…}: the admin API and saved configurations show literal values; replace a secret that others have seen",
		},
	},
	{
		"no-site", nil,
		Text{"没有任何网站使用 wechat_auth", "No site has wechat_auth"},
		Text{"在要保护的网站里加上 wechat_auth", "Write wechat_auth into each site to protect"},
	},
	{
		"unguarded", nil,
		Text{"有网站转发到应用，却没有 wechat_auth", "A site forwards to an app and has no wechat_auth"},
		Text{
			"如果应用读取 X-Wechat-… 请求头，给这个网站加上 wechat_auth，否则访客可以伪造身份；与微信无关的网站可以忽略",
			"If the app reads X-Wechat-… headers, add wechat_auth to this site, or visitors can forge who they are; ignore it for a site that has nothing to do with WeChat",
		},
	},
	{
		"no-host", nil,
		Text{"网站地址没有确定的域名", "The address of a site names no single host"},
		Text{"在 wechat_auth 里写 origin https://…，doctor 才知道访客用什么地址", "Write origin https://… into wechat_auth, so that doctor knows the address that visitors use"},
	},
	{
		"origin", nil,
		Text{"访客用 https，微信却收到 http:// 的回调地址（或相反）", "Visitors use https, and WeChat is given a callback on http:// (or the other way round)"},
		Text{
			"在 wechat_auth 里写 origin，写访客地址栏里的协议和域名；让前面的代理正确设置 X-Forwarded-Proto，并把 http 转到 https",
			"Write origin into wechat_auth, with scheme and host as in the visitors' address bar; have the proxy in front set X-Forwarded-Proto right and redirect http to https",
		},
	},
	{
		"trusted-proxies", nil,
		Text{"所有访客的地址都是代理的地址", "All visitors have the address of the proxy"},
		Text{
			"在全局选项 servers 里用 trusted_proxies static 写上前面代理的地址",
			"Write the address of the proxy in front into trusted_proxies static …, in the global option servers",
		},
	},
	{
		"verify-file", nil,
		Text{"微信校验域名失败，找不到 MP_verify_….txt", "WeChat cannot verify the domain: MP_verify_….txt is not found"},
		Text{
			"把 verify_file 写成微信给的文件名和内容，重新加载，并让前面的代理把 /MP_verify_….txt 转给网关",
			"Write name and content of WeChat's file into verify_file, reload, and let proxies in front pass /MP_verify_….txt to the gateway",
		},
	},
	{
		"push-url", nil,
		Text{"微信后台保存“服务器配置”失败：请求 URL 超时或没有回答", "WeChat's console cannot save 服务器配置: the URL does not answer"},
		Text{
			"URL 填 https://<网站>/_wechat/push/<账号>，让前面的代理和防火墙放行，并检查运行中的配置里有 push_token",
			"Enter the URL https://<site>/_wechat/push/<account>, let proxies and firewalls pass it, and check that the running configuration has push_token",
		},
	},
	{
		"push-token", nil,
		Text{"微信后台保存“服务器配置”失败：token 校验失败", "WeChat's console cannot save 服务器配置: the token is wrong"},
		Text{
			"push_token 要和微信后台的“令牌（Token）”完全一样；改过之后用 caddy reload --force 加载（环境变量和 LoadCredential 要重启）",
			"push_token must be the 令牌(Token) of WeChat's console, letter by letter; after a change use caddy reload --force (restart if it comes from a variable or LoadCredential)",
		},
	},
	{
		"push-aes-key", nil,
		Text{"服务器地址校验通过，加密的消息却被拒绝", "The check of the server URL passes, and encrypted message pushes are refused"},
		Text{
			"push_aes_key 要和微信后台的“消息加解密密钥（EncodingAESKey）”完全一样；改过之后用 caddy reload --force 加载（环境变量和 LoadCredential 要重启）",
			"push_aes_key must be the EncodingAESKey of WeChat's console, letter by letter; after a change use caddy reload --force (restart if it comes from a variable or LoadCredential)",
		},
	},
	{
		"followers-push", nil,
		Text{"用了 allow followers，却没有消息推送", "A site has allow followers, and its account no message push"},
		Text{
			"给这个账号加上 push_token 和 push_aes_key，并在微信后台填好“服务器配置”：没有消息推送，取消关注要五分钟后才知道，刚关注的人也要多等",
			"Give the account push_token and push_aes_key, and fill in 服务器配置 in WeChat's console: without message push an unfollow is noticed after five minutes, and a new follower waits longer",
		},
	},
	{
		"push-unknown", nil,
		Text{"没有检查加密的消息", "The encrypted form of message pushes was not tried"},
		Text{"push_relay_all 会把试验消息转给您的程序，所以没有发送；在微信后台发一条真的消息看看", "push_relay_all would pass the trial message to your program, so none was sent; send the account a real message"},
	},
}
