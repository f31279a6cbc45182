//go:build fleet

package test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// The harness: a formerBuild is a gateway of an earlier commit, built from the
// repository's history. A shop is one gateway of a fleet, with a local ledger or
// a Redis, a mini program, pushes and a webhook. Its program is changed while
// its data stay, and it keeps its configuration in Caddy's autosave. A patron is
// somebody who signed in there.

// formerBuild is a build that users of yesterday have.
type formerBuild struct {
	name   string
	commit string
	bans   bool // it knows bans, followers and everyone's end
	build  func() (string, error)
}

// The newest build before the packages of this version, and one that has no
// health checks, bans, followers and indexes.
var (
	lastBuild = former("before packages", "7b09340aac2348e646c6a30887d0fafa08e0e890", true)
	farBuild  = former("before health checks", "dfbfab95f460556c5cf8b9fce137e176b47236d1", false)
)

func former(name, commit string, bans bool) *formerBuild {
	return &formerBuild{name, commit, bans, sync.OnceValues(func() (string, error) { return buildCommit(commit) })}
}

// binary builds it, once for all tests.
func (b *formerBuild) binary(t *testing.T) string {
	t.Helper()
	begun := time.Now()
	file, err := b.build()
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Logf("the build %s took %v", b.name, took.Round(time.Second))
	}
	return file
}

// buildCommit builds the gateway of a commit.
func buildCommit(commit string) (string, error) {
	if err := exec.Command("git", "-C", "..", "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		return "", fmt.Errorf("this clone does not have the commit %.7s, whose gateway the test upgrades: %w; a shallow clone gets it by: git fetch --unshallow", commit, err)
	}
	folder, err := os.MkdirTemp("", "gateway-"+commit[:7]+"-")
	if err != nil {
		return "", err
	}
	whenAllTestsEnd(func() { _ = os.RemoveAll(folder) })
	const script = `set -euo pipefail; git -C .. archive "$1" | tar -x -C "$2"; cd "$2"; exec go build -buildvcs=false -ldflags=-s -o "$2/wechat-gateway" ./cmd/wechat-gateway`
	if out, err := exec.Command("bash", "-c", script, "-", commit, folder).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %.7s: %w\n%s", commit, err, out)
	}
	return filepath.Join(folder, "wechat-gateway"), nil
}

// shop is one gateway whose program changes.
type shop struct {
	*fleet
	t      *testing.T
	g      *gatewayProcess
	c      fleetConfig
	crm    *business
	redis  *redistest.Server // nil: a local ledger
	former string            // the binary of before
	now    string            // the binary under test
}

// openShop runs the former build with a store, local or redis.
func openShop(t *testing.T, former *formerBuild, store string) *shop {
	t.Helper()
	s := &shop{t: t, former: former.binary(t)}
	if store == "redis" {
		s.redis = redistest.Standalone(t, redistest.Options{AppendOnly: true}) // ends after the gateway
	}
	s.fleet, s.crm = newFleet(t), newBusiness(t)
	if err := s.wechat.AddAccount(wechattest.Account{AppID: miniAppID, Secret: doorSecrets["MINI_SECRET"], Name: "测试小程序", Kind: wechattest.MiniProgram, Platform: "open"}); err != nil {
		t.Fatal(err)
	}
	s.a = s.prepare("A")
	s.g, s.now = s.a, s.binary
	s.c = fleetConfig{
		persist: true, account: pushAccount, auth: "account shop mini",
		global: webhookTo(s.crm.URL) + "\nmini_program mini {\napp_id " + miniAppID + "\napp_secret {env.MINI_SECRET}\n}",
		store:  "local " + filepath.Join(s.g.folder, "ledger"), keys: []string{},
	}
	if s.redis != nil {
		s.c.store, s.c.keys = s.redisStore(s.redis, redistest.Options{}), nil
	}
	s.g.binary = s.former
	s.g.start(s.c)
	pushesTo(t, s.wechat, "http://"+s.g.shop+"/_wechat/push/shop", wechattest.PushSafe)
	return s
}

// becomes stops the gateway, and starts another binary with the configuration
// that Caddy has kept.
func (s *shop) becomes(binary string) {
	s.t.Helper()
	s.g.run.stop()
	s.g.transport.CloseIdleConnections()
	s.g.binary = binary
	s.g.begin("--resume")
}

// refusesToStart starts another binary, which must end by itself, and returns
// what it said.
func (s *shop) refusesToStart(binary string) string {
	s.t.Helper()
	s.g.run.stop()
	s.g.binary = binary
	run, err := start(s.g.command("run", "--resume"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer run.stop()
	select {
	case <-run.ended:
		return run.output.String()
	case <-time.After(20 * time.Second):
		s.t.Fatalf("it runs:\n%s", run.output)
		return ""
	}
}

// patron is somebody who signed in, and what their browser kept.
type patron struct {
	id, user, cookie string
	v                *visitor
}

// patron signs a new person in.
func (s *shop) patron() *patron {
	s.t.Helper()
	p := &patron{id: rand.Text()}
	if err := s.wechat.AddPerson(wechattest.Person{ID: p.id, Nickname: "昨天的客人", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/guest/132"}); err != nil {
		s.t.Fatal(err)
	}
	s.wechat.SetConsent(p.id, appID, true)
	p.v = s.visitor(p.id, s.g)
	a := p.v.signIn(shopSite + "/page")
	if p.user, p.cookie = a.told()["X-Wechat-User"], p.v.cookie(shopSite, "wechat"); p.user == "" || p.cookie == "" {
		s.t.Fatalf("a new person is not signed in: %s %.300s", a.Status, a.body)
	}
	return p
}

// token signs a patron in with the mini program, too.
func (s *shop) token(p *patron) string {
	s.t.Helper()
	body := fmt.Sprintf(`{"code":%q}`, s.wechat.MiniProgramCode(p.id, miniAppID))
	a := s.visitor(p.id, s.g).send(http.MethodPost, shopSite+miniLoginPath, body, http.Header{"Content-Type": {"application/json"}})
	var login struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &login); err != nil || login.Token == "" {
		s.t.Fatalf("the mini program: %s %s", a.Status, a.body)
	}
	return login.Token
}

// byToken is the app's answer to a mini program.
func (s *shop) byToken(token string) answer {
	s.t.Helper()
	v := s.visitor("ming", s.g)
	v.client.Jar = nil
	return v.send(http.MethodGet, shopSite+"/page", "", http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}})
}

// is checks that a patron is signed in as before, by what the browser kept.
func (s *shop) is(when string, p *patron) {
	s.t.Helper()
	if a := s.with(p.cookie, s.g).script(shopSite + "/page"); a.told()["X-Wechat-User"] != p.user {
		s.t.Errorf("%s, who was %s gets %s %.200s", when, p.user, a.Status, a.body)
	}
}

// out checks that a copy of a cookie opens nothing.
func (s *shop) out(when string, status int, all ...*patron) {
	s.t.Helper()
	for i, p := range all {
		if a := s.with(p.cookie, s.g).script(shopSite + "/page"); a.StatusCode != status {
			s.t.Errorf("%s, the copied cookie %d: %s %.200s, want %d", when, i, a.Status, a.body, status)
		}
	}
}

// withdraws has WeChat push that a patron withdraws.
func (s *shop) withdraws(p *patron) {
	s.t.Helper()
	if pushed, err := s.wechat.PushRevoke(p.id, appID); err != nil || !pushed.Accepted {
		s.t.Fatalf("the push: %+v %v", pushed, err)
	}
}

// signsAPage has a signature for JS-SDK made, which needs the account's token.
func (s *shop) signsAPage(p *patron) {
	s.t.Helper()
	a := s.with(p.cookie, s.g).script(shopSite + "/_wechat/jssdk?url=" + url.QueryEscape(shopSite+"/page"))
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "signature") {
		s.t.Errorf("jssdk: %s %.200s", a.Status, a.body)
	}
}

// tokensAsked counts how often WeChat was asked for a token or ticket of an
// account.
func (s *shop) tokensAsked() (n int) {
	for _, call := range s.wechat.Calls() {
		if strings.HasPrefix(call.Path, "/cgi-bin/") && (strings.Contains(call.Path, "token") || strings.Contains(call.Path, "ticket")) {
			n++
		}
	}
	return n
}
