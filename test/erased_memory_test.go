package test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// heapSocket is the variable by which this test binary becomes a gateway: the
// real one, in a process of its own, which writes its heap to a file when it is
// asked at this socket.
const heapSocket = "GATEWAY_HEAP_SOCKET"

// gatewayWithHeap runs the gateway. It does not return.
func gatewayWithHeap(socket string) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	go func() {
		panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			runtime.GC()
			runtime.GC() // empties pools
			file, err := os.Create(r.URL.Query().Get("file"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer file.Close()
			debug.WriteHeapDump(file.Fd())
		})))
	}()
	os.Args = append([]string{"wechat-gateway"}, os.Args[1:]...)
	caddy.CustomBinaryName = "wechat-gateway"
	caddycmd.Main()
}

// heapGateway is a gateway whose memory can be searched.
type heapGateway struct {
	*world
	admin, socket string
}

// newHeapGateway starts a gateway with everything that remembers persons: two
// accounts, message push, followers, a webhook, profiles that are refreshed.
func newHeapGateway(t *testing.T, store func(folder string) string, receiver string) *heapGateway {
	t.Helper()
	g := &heapGateway{world: newWorld(t), admin: "127.0.0.1:" + freePort(t)}
	g.socket = filepath.Join(g.folder, "heap")
	if err := g.wechat.AddAccount(wechattest.Account{AppID: miniAppID, Secret: appSecret, Kind: wechattest.MiniProgram, Platform: "open"}); err != nil {
		t.Fatal(err)
	}
	text := g.caddyfile(options{
		admin: g.admin, account: pushAccount,
		global: "profile_max_age 1h\n\t\tmini_program mini {\n\t\t\tapp_id " + miniAppID + "\n\t\t\tapp_secret {env.WECHAT_APP_SECRET}\n\t\t}\n\t\t" + webhookTo(receiver),
		auth:   "account default mini\n\t\tallow followers\n\t\tassertion\n\t\theader phone on",
	})
	text = strings.Replace(text, "store local "+g.folder+"/ledger", store(g.folder), 1)
	file := filepath.Join(g.folder, "Caddyfile")
	if err := os.WriteFile(file, []byte(strings.Replace(text, "level DEBUG", "level INFO", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0], "run", "--config", file, "--adapter", "caddyfile")
	// clobberfree: memory that is freed and used again, by something shorter,
	// would keep the end of what it was.
	command.Env = append(os.Environ(), heapSocket+"="+g.socket, "GODEBUG=clobberfree=1")
	run, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.stop()
		if t.Failed() {
			t.Logf("the gateway said:\n%s", run.output)
		}
	})
	if err := run.until(30*time.Second, func() bool {
		connection, err := net.Dial("tcp", "127.0.0.1:"+g.port)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	}); err != nil {
		t.Fatal(err)
	}
	return g
}

// heap returns what the gateway's living objects contain.
func (g *heapGateway) heap() []byte {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "heap")
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", g.socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	response, err := client.Get("http://gateway/?file=" + url.QueryEscape(file))
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := os.ReadFile(file)
	if err != nil || response.StatusCode != http.StatusOK || len(content) < 1<<20 {
		g.t.Fatalf("%s, %d bytes: %v", response.Status, len(content), err)
	}
	return content
}

// call makes a call of the admin endpoint, on a connection of its own.
func (g *heapGateway) call(method, path string, status int) string {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+g.admin+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(response.Body); err != nil || response.StatusCode != status {
		g.t.Fatalf("%s %s: %s %s (%v)", method, path, response.Status, body, err)
	}
	return body.String()
}

// heapStore is a store of TestErasedPersonIsNotInMemory.
type heapStore struct {
	line       func(folder string) string // of the Caddyfile
	disconnect func()                     // ends the connections to it
	hold       func()                     // lets calls wait for a second
}

// around shows what stands around a place in memory.
func around(memory []byte, at int) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, string(memory[max(0, at-120):min(len(memory), at+160)]))
}

// When a person is erased, nothing in the gateway's memory names the person
// any more: neither the lists of sessions, nor prepared identities, results of
// sign-ins, answers about followers, queues and connections.
func TestErasedPersonIsNotInMemory(t *testing.T) {
	for name, store := range map[string]func(t *testing.T) heapStore{
		"local": func(*testing.T) heapStore {
			return heapStore{line: func(folder string) string { return "store local " + folder + "/ledger" }, disconnect: func() {}, hold: func() {}}
		},
		"redis": func(t *testing.T) heapStore {
			redis := redistest.Standalone(t, redistest.Options{})
			return heapStore{
				line:       func(string) string { return "store redis redis://" + redis.Addr + "/0" },
				disconnect: func() { redis.Do("client", "kill", "type", "normal"); redis.Do("client", "kill", "type", "pubsub") },
				hold:       func() { redis.Do("client", "pause", "1000", "all") },
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := store(t)
			receiver := newCRM(t)
			g := newHeapGateway(t, store.line, receiver.URL)
			const nickname = "the nickname of a person who is to be forgotten"
			if err := g.wechat.AddPerson(wechattest.Person{ID: "lan", Nickname: nickname, AvatarURL: "https://thirdwx.qlogo.cn/mmopen/lan-lan-lan/132", Follows: []string{appID}}); err != nil {
				t.Fatal(err)
			}
			pushesTo(t, g.wechat, g.site+"/_wechat/push/default", wechattest.PushSafe)
			traces := map[string]string{
				"openid": g.wechat.OpenID("lan", appID), "openid of the mini program": g.wechat.OpenID("lan", miniAppID),
				"unionid": g.wechat.UnionID("lan", appID), "nickname": nickname, "nickname in a header": url.PathEscape(nickname),
				"avatar": "lan-lan-lan",
			}
			user := g.lives()
			before := g.heap()
			for _, what := range []string{"openid", "unionid", "nickname"} {
				if !bytes.Contains(before, []byte(traces[what])) {
					t.Errorf("the %s is not in memory before: the search finds nothing", what)
				}
			}
			g.call(http.MethodDelete, "/wechat/persons/"+user, http.StatusNoContent)
			soon(t, "the receiver has been told", 20*time.Second, func() bool {
				return strings.Contains(g.call(http.MethodGet, "/wechat/webhooks", http.StatusOK), `"waiting":0`)
			})
			// Buffers of connections hold what was sent last.
			g.sim.CloseClientConnections()
			g.app.CloseClientConnections()
			receiver.CloseClientConnections()
			store.disconnect()
			left := ""
			for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
				store.hold()
				g.crowd() // a dead connection is noticed when it is used
				if left = found(g.heap(), traces); left == "" {
					return
				}
			}
			t.Errorf("memory has of the erased person:\n%s", left)
		})
	}
}

// found shows where memory has one of the texts, "" for nowhere.
func found(memory []byte, texts map[string]string) string {
	var all strings.Builder
	for what, text := range texts {
		for rest := memory; ; {
			at := bytes.Index(rest, []byte(text))
			if at < 0 {
				break
			}
			fmt.Fprintf(&all, "%s: %s\n", what, around(rest, at))
			rest = rest[at+len(text):]
		}
	}
	return all.String()
}

// crowd makes many calls at once. While the store is held, each takes a
// connection of its own, so that all connections are used.
func (g *heapGateway) crowd() {
	var calls sync.WaitGroup
	for range 200 {
		calls.Go(func() {
			response, err := http.Get("http://" + g.admin + "/wechat/persons?limit=500")
			if err == nil {
				_ = response.Body.Close()
			}
		})
	}
	calls.Wait()
}

// lives is what a person does at a gateway, and what its operator looks at.
func (g *heapGateway) lives() (user string) {
	g.t.Helper()
	for range 3 {
		v := g.visitor("lan")
		if a := v.signIn(g.site + "/orders"); a.StatusCode != http.StatusOK {
			g.t.Fatalf("signing in: %s %s", a.Status, a.url)
		}
		v.open(g.site + "/orders")
		v.client.CloseIdleConnections()
	}
	all := g.app.take()
	user = all[len(all)-1].header.Get("X-Wechat-User")
	v := g.visitor("lan")
	code := g.wechat.MiniProgramCode("lan", miniAppID)
	a := v.send(http.MethodPost, g.site+"/_wechat/mini-program/mini/login", fmt.Sprintf(`{"code":%q}`, code), http.Header{"Content-Type": {"application/json"}})
	if a.StatusCode != http.StatusOK {
		g.t.Fatalf("the mini program: %s %s", a.Status, a.body)
	}
	v.client.CloseIdleConnections()
	if hong := g.visitor("hong"); hong.open(g.site+"/").StatusCode == 0 {
		g.t.Fatal("another person cannot come")
	}
	if p, err := g.wechat.PushProfileModified("lan", appID); err != nil || !p.Accepted {
		g.t.Fatalf("a push: %+v %v", p, err)
	}
	v = g.visitor("lan") // all sessions have ended
	v.signIn(g.site + "/orders")
	v.open(g.site + "/orders")
	v.client.CloseIdleConnections()
	g.call(http.MethodGet, "/wechat/persons?openid="+g.wechat.OpenID("lan", appID)+"&app_id="+appID, http.StatusOK)
	g.call(http.MethodGet, "/wechat/persons?nickname=the%20nickname", http.StatusOK)
	g.call(http.MethodGet, "/wechat/persons/"+user, http.StatusOK)
	g.call(http.MethodGet, "/wechat/sessions?person="+user, http.StatusOK)
	g.call(http.MethodGet, "/wechat/history", http.StatusOK)
	return user
}
