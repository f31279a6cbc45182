package command

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// gatewayConfig is what the demo changes in Caddyfile.example.
type gatewayConfig struct {
	site    string // host:port
	shop    string // URL
	wechat  string // URL
	folder  string // for everything that the demo stores
	push    wechattest.PushSettings
	verbose bool
}

// pushTo returns push settings of safe mode for the gateway at siteURL, with a
// token and a key of this run.
func pushTo(siteURL string) wechattest.PushSettings {
	return wechattest.PushSettings{
		URL:    siteURL + "/_wechat/push/default",
		Token:  rand.Text(),
		AESKey: (rand.Text() + rand.Text())[:43],
		Mode:   wechattest.PushSafe,
	}
}

// startGateway runs Caddyfile.example with the addresses of the demo.
func startGateway(example []byte, c gatewayConfig) error {
	config, err := c.adapt(example)
	if err != nil {
		return fmt.Errorf("reading Caddyfile.example: %w", err)
	}
	for name, value := range map[string]string{"WECHAT_APP_ID": wechattest.DefaultAppID, "WECHAT_APP_SECRET": wechattest.DefaultSecret, "WECHAT_PUSH_TOKEN": c.push.Token, "WECHAT_PUSH_AES_KEY": c.push.AESKey} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return caddy.Load(config, true)
}

// adapt points the example's addresses at loopback, adapts it, and adds what a
// process of a few minutes needs: no admin endpoint, everything in one folder.
func (c gatewayConfig) adapt(example []byte) ([]byte, error) {
	_, port, err := net.SplitHostPort(c.site)
	if err != nil {
		return nil, err
	}
	text := string(example)
	for _, change := range [][2]string{
		{"\nshop.example.com {", "\nhttp://:" + port + " {"},
		{"localhost:8080", strings.TrimPrefix(c.shop, "http://")},
		{"# open_url https://open.weixin.qq.com", "open_url " + c.wechat},
		{"# api_url https://api.weixin.qq.com", "api_url " + c.wechat},
		{"# outside_wechat qr", "outside_wechat login"},
		{"# push_token {", "push_token {"},
		{"# push_aes_key {", "push_aes_key {"},
	} {
		if strings.Count(text, change[0]) != 1 {
			return nil, fmt.Errorf("%q must stand in it once", strings.TrimSpace(change[0]))
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	adapter := caddyconfig.GetAdapter("caddyfile")
	if adapter == nil {
		return nil, errors.New("this binary has no caddyfile adapter")
	}
	adapted, _, err := adapter.Adapt(bytes.TrimSpace([]byte(text)), map[string]any{"filename": "Caddyfile.example"})
	if err != nil {
		return nil, err
	}
	return c.contain(adapted)
}

// contain keeps the demo out of the user's own Caddy: its folders, its admin
// endpoint and its terminal.
func (c gatewayConfig) contain(adapted []byte) ([]byte, error) {
	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		return nil, err
	}
	config["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	config["storage"] = map[string]any{"module": "file_system", "root": c.folder}
	apps, ok := dig(config, "apps")
	if !ok {
		return nil, errors.New("it has no apps")
	}
	app, ok := dig(apps, "wechat")
	if !ok {
		return nil, errors.New("it has no wechat block")
	}
	if err := c.listenOnly(apps); err != nil {
		return nil, err
	}
	app["store"] = map[string]any{"store": "local", "folder": c.folder}
	level := "ERROR"
	if c.verbose {
		level = "DEBUG"
	}
	if log, ok := dig(config, "logging", "logs", "default"); ok {
		log["level"] = level
	}
	return json.Marshal(config)
}

// listenOnly binds the gateway to the demo's own address: Caddy would listen on
// all interfaces.
func (c gatewayConfig) listenOnly(apps map[string]any) error {
	server, ok := dig(apps, "http", "servers", "srv0")
	if !ok {
		return errors.New("it has no site")
	}
	server["listen"] = []string{c.site}
	return nil
}

// dig walks down nested objects.
func dig(m map[string]any, path ...string) (map[string]any, bool) {
	for _, key := range path {
		next, ok := m[key].(map[string]any)
		if !ok {
			return nil, false
		}
		m = next
	}
	return m, true
}
