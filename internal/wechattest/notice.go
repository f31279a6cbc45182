package wechattest

import "net/http"

// words says one thing in both languages.
type words struct{ Chinese, English string }

// notice is a page with a title and a sentence.
type notice struct{ title, detail words }

var (
	notInWeChat = notice{
		words{"请在微信客户端打开链接", "Open this link in WeChat"},
		words{"这个链接只能在微信里打开。", "This link opens in WeChat only."},
	}
	accountClosed = notice{
		words{"该微信账号已注销", "This WeChat account is closed"},
		words{"请在模拟器首页换一个用户。", "Choose another person on the front page of the simulator."},
	}
	noPerson = notice{
		words{"没有微信用户", "No WeChat user"},
		words{"请在模拟器首页添加或选择一个用户。", "Add or choose a person on the front page of the simulator."},
	}
	pageOver = notice{
		words{"页面已失效", "This page has expired"},
		words{"它已经用过，或者太旧了。请回到网页重新开始。", "It was answered before or is too old. Start again from the web page."},
	}
	codeOver = notice{
		words{"二维码已失效", "This code has expired"},
		words{"它已经用过，或者太旧了。请回到网页重新开始。", "It was answered before or is too old. Start again from the web page."},
	}
	youRefused = notice{
		words{"你已拒绝授权", "You refused"},
		words{"微信不会把拒绝告诉网站。请按返回键回到网页。", "WeChat does not tell the site that you refused. Go back to the web page."},
	}
	phoneAllowed = notice{
		words{"已确认登录", "Sign-in confirmed"},
		words{"请回到电脑继续。", "Continue on the computer."},
	}
	phoneRefused = notice{
		words{"已拒绝登录", "Sign-in refused"},
		words{"请回到电脑。", "Go back to the computer."},
	}
)

// notice writes a page with a title and a sentence.
func (s *Server) notice(w http.ResponseWriter, n notice) {
	s.render(w, "notice.html", map[string]any{"Title": n.title.Chinese, "English": n.title.English, "Detail": n.detail})
}
