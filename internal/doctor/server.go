package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"
)

// server asks the running server about itself, and compares its configuration
// with the file's.
func (v *visit) server(ctx context.Context) {
	if v.Admin == nil {
		return
	}
	status, body, err := v.askAdmin(ctx, "/wechat/doctor")
	var running Running
	switch {
	case err != nil:
		v.find("server", "", Failure, "not-running", text("管理端点连不上：%v", "the admin endpoint cannot be reached: %v", err))
		return
	case status == http.StatusServiceUnavailable:
		v.find("server", "", Failure, "not-ready", text("网关没有准备好", "the gateway is not ready"))
	case status != http.StatusOK || json.Unmarshal(body, &running) != nil:
		v.find("server", "", Failure, "not-running", text("管理端点回答 %d，没有网关的回答", "the admin endpoint answers %d, and not as this gateway does", status))
		return
	default:
		v.running = &running
		v.pass("server", "", text("正在运行", "it runs"))
		v.sameVersion(running)
	}
	v.sameConfiguration(ctx)
	v.sameSecrets()
	v.ready(ctx)
}

func (v *visit) askAdmin(ctx context.Context, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, onePatience)
	defer cancel()
	return v.Admin.Get(ctx, path)
}

// sameConfiguration compares the running configuration with the file's. Both
// may contain secrets: nothing of them is shown.
func (v *visit) sameConfiguration(ctx context.Context) {
	if v.Apps == nil {
		return
	}
	status, body, err := v.askAdmin(ctx, "/config/apps")
	var running, file any
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &running) != nil || json.Unmarshal(v.Apps, &file) != nil {
		v.find("running configuration", "", Unknown, "not-running", text("管理端点没有给出配置", "the admin endpoint does not show the configuration"))
		return
	}
	if !reflect.DeepEqual(running, file) {
		v.find("running configuration", "", Warning, "other-configuration", text("与文件不一样", "it differs from the file"))
		return
	}
	v.pass("running configuration", "", text("与文件一样", "it is that of the file"))
}

// sameSecrets says whether the running server uses the secrets that files and
// variables hold now. Caddy ignores a reload of an unchanged configuration, and
// gives a running process no new variable: then every other check passes, and
// WeChat refuses the visitors.
func (v *visit) sameSecrets() {
	if v.running == nil || len(v.running.Fingerprints) == 0 || len(v.Fingerprints) == 0 {
		return
	}
	same := true
	for _, name := range slices.Sorted(maps.Keys(v.Fingerprints)) {
		if used, ok := v.running.Fingerprints[name]; ok && used != v.Fingerprints[name] {
			same = false
			v.find("running secrets", name, Failure, "secrets-not-loaded", text("服务器用的不是文件或变量里现在的密钥", "the server does not use the secret that the file or variable holds now"))
		}
	}
	switch {
	case same && v.credentials():
		v.pass("running secrets", "", text("与文件和变量里的一样；LoadCredential 的是服务上次启动时的，之后换过就要重启服务", "they are those of the files and variables; LoadCredential gives those of the service's last start: restart it if you have changed one since"))
	case same:
		v.pass("running secrets", "", text("与文件和变量里的一样", "they are those of the files and variables"))
	}
}

// credentials reports whether secrets are credentials of systemd. A service
// gets those of its start, and so does this doctor: both see the former value
// of a file that was changed since.
func (v *visit) credentials() bool {
	return bytes.Contains(v.Apps, []byte("{file./run/credentials/"))
}

// ready asks whether the gateway can serve.
func (v *visit) ready(ctx context.Context) {
	status, body, err := v.askAdmin(ctx, "/wechat/ready")
	switch {
	case err == nil && status == http.StatusOK:
		v.pass("ready", "", text("可以服务访客", "it can serve visitors"))
		v.sameLedger(body)
	case err == nil && status == http.StatusServiceUnavailable:
		v.find("ready", "", Failure, "not-ready", text("/wechat/ready 回答 503", "/wechat/ready answers 503"))
	case err == nil && status == http.StatusNotFound: // a version before health checks
	default:
		v.find("ready", "", Unknown, "not-running", text("/wechat/ready 没有回答", "/wechat/ready does not answer"))
	}
}

// sameLedger reads from the details of ready whether the ledger is another one
// than before.
func (v *visit) sameLedger(ready []byte) {
	var details struct {
		Store struct {
			Replaced *time.Time `json:"replaced"`
		} `json:"store"`
	}
	if json.Unmarshal(ready, &details) != nil || details.Store.Replaced == nil {
		return
	}
	at := details.Store.Replaced.UTC().Format(time.RFC3339)
	v.find("ledger", "", Warning, "ledger-replaced", text("%s 起不是原来的那一个", "it is another one since %s", at))
}
