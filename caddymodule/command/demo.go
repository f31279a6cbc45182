package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// demo is gateway, sample shop and simulated WeChat in one process.
type demo struct {
	example []byte // Caddyfile.example
	listen  string // the shop's public address, host:port on loopback; "" is the default
	wechat  string // the simulated WeChat's; "" is the default
	check   bool
	verbose bool
}

// The default addresses of the demo. A check uses free ports, so that it can
// run beside other servers.
const (
	demoListen = "127.0.0.1:9800"
	demoWeChat = "127.0.0.1:9801"
	anyPort    = "127.0.0.1:0"
)

func (d demo) run(ctx context.Context, out io.Writer) error {
	if d.check {
		d.listen, d.wechat = cmp.Or(d.listen, anyPort), cmp.Or(d.wechat, anyPort)
	}
	d.listen, d.wechat = cmp.Or(d.listen, demoListen), cmp.Or(d.wechat, demoWeChat)
	folder, err := os.MkdirTemp("", "wechat-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	// Caddy writes an instance id into its data folder; keep it out of the
	// user's.
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err := os.Setenv(name, folder); err != nil {
			return err
		}
	}

	simulator := wechattest.New(wechattest.Config{
		Accounts:     wechattest.DefaultAccounts(),
		Persons:      wechattest.DefaultPersons(),
		AnyUserAgent: true,
	})
	defer simulator.Close()
	wechatURL, stopWeChat, err := serve(ctx, d.wechat, simulator)
	if err != nil {
		return err
	}
	defer stopWeChat()
	shop := newShop(wechatURL)
	shopURL, stopShop, err := serve(ctx, "127.0.0.1:0", shop)
	if err != nil {
		return err
	}
	defer stopShop()

	site, err := freeAddress(ctx, d.listen)
	if err != nil {
		return err
	}
	siteURL := "http://" + site
	push := pushTo(siteURL)
	if err := startGateway(d.example, gatewayConfig{site: site, shop: shopURL, wechat: wechatURL, folder: folder, push: push, verbose: d.verbose}); err != nil {
		return err
	}
	defer func() { _ = caddy.Stop() }()
	if err := simulator.SetPush(wechattest.DefaultAppID, push); err != nil {
		return err
	}
	if d.check {
		return walk(ctx, out, siteURL, shop)
	}
	fmt.Fprintf(out, welcome, siteURL, wechatURL)
	<-ctx.Done()
	return nil
}

const welcome = `
  The demo runs: Caddyfile.example, a sample shop behind it, and a simulated WeChat.
  演示已启动：Caddyfile.example、网关后面的示例商店，以及模拟的微信。

  1. Open the shop (打开商店)       %s/orders?id=7
     You are the phone: the gateway takes you to (simulated) WeChat and back, and the shop shows who you are.
     您就是手机：网关带您去（模拟的）微信授权再返回，商店会显示您是谁。
  2. Play with WeChat (操作微信)    %s/
     Change who holds the phone, let a person follow the account or withdraw consent, turn on the quirks of the real WeChat.
     可以换人、关注公众号、撤回授权、模拟真实微信的各种异常情况。

  Press Ctrl+C to stop. Nothing is kept.
  按 Ctrl+C 停止，不保留任何数据。

`

// serve runs handler on a loopback address and returns its URL.
func serve(ctx context.Context, address string, handler http.Handler) (url string, stop func(), err error) {
	if err := loopbackOnly(address); err != nil {
		return "", nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // returns when stop closes it
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// freeAddress returns address with a port that is free now.
func freeAddress(ctx context.Context, address string) (string, error) {
	if err := loopbackOnly(address); err != nil {
		return "", err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// loopbackOnly refuses addresses that other machines can reach: in the demo any
// client can sign in as any person.
func loopbackOnly(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("only loopback addresses: in the demo any client can sign in as any person")
	}
	return nil
}
