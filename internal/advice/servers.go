package advice

// serverRows are about the way between visitors, gateway and WeChat.
var serverRows = []Advice{
	{
		"wechat-unreachable", nil,
		Text{"连不上微信的服务器", "WeChat's servers cannot be reached"},
		Text{
			"检查服务器能否访问 https://api.weixin.qq.com（DNS、防火墙、HTTPS_PROXY、api_url）",
			"Check that the server reaches https://api.weixin.qq.com: DNS, firewall, HTTPS_PROXY, api_url",
		},
	},
	{
		"wechat-answer", nil,
		Text{"微信的回答不是微信发出的（网页、5xx、半截）", "An answer is not WeChat's: a web page, a 5xx, or half of one"},
		Text{
			"检查 api_url、open_url 和 HTTPS_PROXY：中间的代理或防火墙在替微信回答",
			"Check api_url, open_url and HTTPS_PROXY: a proxy or firewall in between answers for WeChat",
		},
	},
	{
		"wechat-page", nil,
		Text{"微信没有说是否接受回调域名", "WeChat did not say whether it accepts the callback domain"},
		Text{
			"用手机微信打开网站试一次登录；如果显示“redirect_uri 参数错误”，就把网站的域名填到“网页授权域名”",
			"Open the site in WeChat on a phone and sign in once; if it says \"redirect_uri 参数错误\", enter the host of the site as 网页授权域名",
		},
	},
	{
		"clock", nil,
		Text{"服务器的时钟不准", "The server's clock is wrong"},
		Text{
			"用 timedatectl set-ntp true（或 chrony）校时：时钟差得多时，消息推送会被拒绝，会话会提前或推迟结束",
			"Synchronise it, with timedatectl set-ntp true or chrony: with a wrong clock message pushes are refused, and sessions end early or late",
		},
	},
	{
		"dns", nil,
		Text{"网站的域名解析不到", "The host of the site has no DNS entry"},
		Text{"在域名解析里给这个域名加上 A 或 AAAA 记录，指向网关或它前面的负载均衡", "Add an A or AAAA record for this host that leads to the gateway, or to the load balancer in front of it"},
	},
	{
		"site-unreachable", nil,
		Text{"网站连不上", "The site cannot be reached"},
		Text{"检查网关是否运行、端口和防火墙是否放行、证书是否有效；在服务器外面也试一次", "Check that the gateway runs, that ports and firewalls are open, and that the certificate is valid; try it from outside the server, too"},
	},
	{
		"not-gateway", nil,
		Text{"网站有回答，但不是网关发出的", "The site answers, but the gateway does not"},
		Text{
			"让前面的代理把 /_wechat/ 下的所有路径原样转给网关；检查域名是否指向别的服务器，运行中的配置是否是这一份",
			"Let the proxy in front pass everything below /_wechat/ to the gateway unchanged; check that the host does not lead to another server, and that the running configuration is this one",
		},
	},
	{
		"not-running", nil,
		Text{"管理端点没有回答", "The admin endpoint does not answer"},
		Text{"检查 Caddy 是否运行，--address 是否是它的管理地址，运行的程序是否带有网关", "Check that Caddy runs, that --address is its admin endpoint, and that the gateway is built into it"},
	},
	{
		"other-configuration", nil,
		Text{"运行中的配置和文件不一样", "The running configuration is not that of the file"},
		Text{"用 caddy reload 加载这个文件", "Load the file with caddy reload"},
	},
	{
		"secrets-not-loaded", nil,
		Text{"文件或变量里的密钥换了，服务器还在用旧的", "A secret was changed in its file or variable, and the server still uses the old one"},
		Text{
			"文件里的密钥用 caddy reload --force 加载（不加 --force，配置没有变就不会重新读取）；环境变量和 LoadCredential 要重启服务器",
			"Load a file's secret with caddy reload --force (without --force nothing is read again while the configuration is the same); for a variable or LoadCredential, restart the server",
		},
	},
	{
		"not-ready", nil,
		Text{"/wechat/ready 回答 503", "/wechat/ready answers 503"},
		Text{"检查存储（Redis 或数据目录）和会话密钥，看日志里 unavailable 的行", "Check the store (Redis or the data folder) and the session keys; read the log's lines with unavailable"},
	},
	{
		"ledger-replaced", nil,
		Text{"用户库换了一个：每个人都成了新用户", "The ledger is another one: every person is a new one"},
		Text{
			"如果是丢了（文件没了，或 Redis 空了），马上停下网关，按 docs/operations.zh-CN.md 恢复备份；如果是有意换的，不用处理",
			"If it was lost (the file is gone, or Redis is empty), stop the gateway at once and restore the backup, as docs/operations.md says; if you replaced it on purpose, nothing is to be done",
		},
	},
	{
		"version", nil,
		Text{"各处的版本不一样，或 Caddy 太旧", "Versions differ, or Caddy is too old"},
		Text{"所有网关用同一个版本，Caddy 不低于 2.11.9；升级后要重启", "Run the same version on all gateways, with Caddy 2.11.9 or newer; restart after an upgrade"},
	},
	{
		"cookies", nil,
		Text{"访客得到 400 或 431：请求头太大", "Visitors get 400 or 431: the request header is too large"},
		Text{
			"减少应用自己的 Cookie，并放宽应用和代理的请求头限制（Tomcat 的 maxHttpRequestHeaderSize、nginx 的 large_client_header_buffers）",
			"Reduce the app's own cookies, and raise the limits of app and proxy (maxHttpRequestHeaderSize of Tomcat, large_client_header_buffers of nginx)",
		},
	},
}
