//go:build fleet

package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Attack: who copied a cookie waits for the store to move. What was ended under
// the local store is over under Redis, too, on every gateway; whoever was not
// ended stays signed in. The ledger goes by the operators' own commands.
func TestFleetFromLocalToRedisKeepsEnds(t *testing.T) {
	f := newFleet(t)
	f.a, f.b = f.prepare("A"), f.prepare("B")
	f.a.start(fleetConfig{store: "local " + filepath.Join(f.a.folder, "ledger"), auth: silentBase})
	var staying, signedOut, ended []*mover
	for range 6 {
		staying = append(staying, f.moverOnA())
	}
	for range 4 {
		p := f.moverOnA()
		if a := f.with(p.sealed, f.a).logOut(shopSite); a.StatusCode != http.StatusOK {
			t.Fatalf("logout: %s %s", a.Status, a.body)
		}
		signedOut = append(signedOut, p)
	}
	ended = append(ended, f.moverOnA())
	f.a.wechat("sessions", "end", ended[0].user)
	f.refuseAll("before the move", f.a, signedOut, ended)
	f.serveAll("before the move", f.a, staying)

	server := redistest.Standalone(t, redistest.Options{})
	c := fleetConfig{store: f.redisStore(server, redistest.Options{}), auth: silentBase}
	f.b.start(c)
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	t.Logf("%s", f.a.wechat("ledger", "export", "--file", file))
	for range 2 { // an import can be repeated
		t.Logf("%s", f.b.wechat("ledger", "import", file))
	}
	f.refuseAll("on B, while A is local", f.b, signedOut, ended)
	if err := f.a.reload(c); err != nil {
		t.Fatal(err)
	}
	for _, g := range f.gateways() {
		f.refuseAll("after the move", g, signedOut, ended)
		f.serveAll("after the move", g, staying)
	}
	for _, p := range staying {
		if err := f.upgrade(p, f.b, false); err != nil {
			t.Error(err)
		}
	}
	f.a.run.stop() // who starts anew has only Redis to know it from
	f.a.start(c)
	f.refuseAll("after a restart", f.a, signedOut, ended)
	exported, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sessions, persons := strings.Count(string(exported), `{"ended_session"`), strings.Count(string(exported), `{"ended_person"`)
	t.Logf("%d ended sessions and %d ended persons went along; %d copied cookies are refused on both gateways, %d others are served", sessions, persons, len(signedOut)+len(ended), len(staying))
	// Each of them came in silently first, and that session was replaced; a
	// logout ends the line.
	if sessions != len(staying)+2*len(signedOut)+len(ended) || persons != len(ended) {
		t.Errorf("%d ended sessions and %d ended persons are in the export", sessions, persons)
	}
}

// refuseAll shows the copied cookies, once each: the first try must not pass.
func (f *fleet) refuseAll(when string, g *gatewayProcess, groups ...[]*mover) {
	f.t.Helper()
	for _, group := range groups {
		for i, p := range group {
			if a := f.with(p.sealed, g).script(shopSite + "/page"); a.StatusCode != http.StatusUnauthorized {
				f.t.Errorf("%s, the copied cookie %d on %s: %s %.200s", when, i, g.name, a.Status, a.body)
			}
		}
	}
}

// serveAll shows the cookies of those who are signed in.
func (f *fleet) serveAll(when string, g *gatewayProcess, people []*mover) {
	f.t.Helper()
	for i, p := range people {
		if a := f.with(p.sealed, g).script(shopSite + "/page"); a.told()["X-Wechat-User"] != p.user {
			f.t.Errorf("%s, visitor %d on %s: %s %.200s", when, i, g.name, a.Status, a.body)
		}
	}
}

// wechat runs a command of the operator's against this gateway.
func (g *gatewayProcess) wechat(args ...string) string {
	g.f.t.Helper()
	command := exec.Command(g.binary, append(append([]string{"wechat"}, args...), "--address", g.admin)...)
	command.Env = append(os.Environ(), "HOME="+g.folder)
	out, err := command.CombinedOutput()
	if err != nil {
		g.f.t.Fatalf("wechat %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
