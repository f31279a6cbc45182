package caddymodule_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// The log says at each start that an app runs on the host of callback_origin,
// and never says so where none does.
func TestHintOfAnAppAtTheCallback(t *testing.T) {
	const site = "http://%.localhost:0 {\n\twechat_auth {\n\t\torigin https://%.example.com\n\t}\n\t"
	auth, shop := strings.ReplaceAll(site, "%", "auth"), strings.ReplaceAll(site, "%", "shop")
	const app = "reverse_proxy localhost:8080\n}\n"
	for name, test := range map[string]struct {
		sites string
		want  bool
	}{
		"no app":                      {auth + "respond 404\n}\n" + shop + app, false},
		"no app, sites the other way": {shop + app + auth + "respond 404\n}\n", false},
		"files":                       {auth + "file_server\n}\n" + shop + app, false},
		"served by another server":    {shop + app, false},
		"an app":                      {auth + app + shop + "respond 404\n}\n", true},
		"an app on some paths":        {auth + "handle /shop/* {\n" + app + "}\n" + shop + app, true},
		"an app in a route":           {auth + "route {\nhandle_path /a/* {\n" + app + "}\n}\n" + shop + app, true},
		"php":                         {auth + "php_fastcgi localhost:9000\n}\n" + shop + app, true},
	} {
		t.Run(name, func(t *testing.T) {
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\nauto_https off\ndefault_bind 127.0.0.1\nwechat {\nofficial_account {\napp_id wx1234567890abcdef\napp_secret "+goodSecret+"\n}\n}\n}\n"+test.sites), map[string]any{"filename": "Caddyfile"})
			if err != nil {
				t.Fatal(err)
			}
			var config struct {
				Apps struct{ HTTP json.RawMessage }
			}
			if err := json.Unmarshal(adapted, &config); err != nil {
				t.Fatal(err)
			}
			checkHint(t, `,"http":`+string(config.Apps.HTTP), test.want)
		})
	}
	// Written as JSON, without a subroute for each site.
	const origin = `"handler":"wechat_auth","origin":"https://`
	const proxy = `{"handler":"reverse_proxy","upstreams":[{"dial":"localhost:8080"}]}`
	for name, test := range map[string]struct {
		routes string
		want   bool
	}{
		"json, one route":          {`{"handle":[{` + origin + `auth.example.com"},` + proxy + `]}`, true},
		"json, two routes":         {`{"handle":[{` + origin + `auth.example.com"}]},{"handle":[` + proxy + `]}`, true},
		"json, a host of its own":  {`{"match":[{"host":["auth.example.com"]}],"handle":[{` + origin + `auth.example.com"}]},{"match":[{"host":["shop.example.com"]}],"handle":[{` + origin + `shop.example.com"},` + proxy + `]}`, false},
		"json, origins":            {`{"handle":[{"handler":"wechat_auth","origins":["https://shop.example.com","HTTPS://AUTH.example.com:443"]},` + proxy + `]}`, true},
		"json, origins of another": {`{"handle":[{"handler":"wechat_auth","origins":["https://shop.example.com"]},` + proxy + `]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			checkHint(t, `,"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"automatic_https":{"disable":true},"routes":[`+test.routes+`]}}}`, test.want)
		})
	}
}

func checkHint(t *testing.T, http string, want bool) {
	t.Helper()
	for callback, want := range map[string]bool{`,"callback_origin":"https://auth.example.com"`: want, "": false} {
		log, err := loadLog(t, `"official_accounts":[{"name":"shop","app_id":"wx1234567890abcdef","app_secret":"`+goodSecret+`"}]`+callback, http)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Count(log, "an app runs on the host of callback_origin"); (said == 1) != want || said > 1 {
			t.Errorf("with %q: said %d times, want %t:\n%s", callback, said, want, log)
		}
	}
}
