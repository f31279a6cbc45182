package test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
)

// The Go program of docs/upstreams.md.
func TestUpstreamsGo(t *testing.T) {
	w := newWorld(t)
	folder, port := t.TempDir(), freePort(t)
	file, program := put(t, snippet(t, "main.go"), folder, "main.go"), folder+"/shop"
	build := exec.Command("go", "build", "-o", program, file)
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	command := exec.Command(program)
	command.Env = []string{"PORT=" + port}
	listens(t, port, command)
	site := w.secureSite(options{auth: "public /me", proxy: "reverse_proxy 127.0.0.1:" + port})
	type visitor struct{ ID, OpenID, Nickname string }
	stranger := w.secureVisitor("hong")
	if got := says[*visitor](t, stranger.send(http.MethodGet, site+"/me", "", forger())); got != nil {
		t.Errorf("a stranger is %+v", got)
	}
	v := w.secureVisitor("hong")
	v.signIn(site + "/_wechat/login?return_to=/me&scope=snsapi_userinfo")
	if got := says[*visitor](t, v.send(http.MethodGet, site+"/me", "", forger())); got == nil || len(got.ID) != 26 || got.OpenID != w.wechat.OpenID("hong", appID) || got.Nickname != "小红 🌸" {
		t.Errorf("hong is %+v", got)
	}
}
