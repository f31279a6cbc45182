package test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var printedAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\S*`)

// The demo of the built binary, in an ordinary browser, as somebody does who
// has just found the project.
func TestBrowserDemo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "wechat-gateway")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/wechat-gateway").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	command := exec.Command(binary, "wechat", "demo", "--listen", "127.0.0.1:0", "--wechat", "127.0.0.1:0")
	command.Env = append(command.Environ(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	demo, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(demo.stop)
	if err := demo.until(30*time.Second, func() bool { return strings.Contains(demo.output.String(), "Ctrl+C") }); err != nil {
		t.Fatal(err)
	}
	printed := printedAddress.FindAllString(demo.output.String(), -1)
	if len(printed) != 2 {
		t.Fatalf("the demo printed %q:\n%s", printed, demo.output)
	}
	shop, weChat := printed[0], printed[1]

	b := startChromium(t, map[string]string{"window-size": "1280,800"})
	b.open(shop)
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.sees("申请获取以下权限")
	b.readable("WeChat's question")
	b.picture("wechat")
	b.allow()
	b.arrives(shop)
	b.sees("小明，你好！")
	b.sees("X-Wechat-Openid")
	b.readable("the shop")
	b.picture("shop")

	// Somebody else takes the phone.
	b.tap(`form[action="/_wechat/logout"] button`)
	b.meets("signed_out", "已退出登录")
	b.open(weChat)
	b.sees("微信模拟器")
	b.readable("the simulator")
	b.picture("simulator")
	b.tap(`form[action="/_sim/phone"] button`)
	b.rests()
	b.open(shop)
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.allow()
	b.arrives(shop)
	b.sees("小红，你好！")
}
