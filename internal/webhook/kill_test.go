package webhook

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// childEnv makes the test binary a gateway that signs people in and sends
// webhooks until it is killed.
const childEnv = "WEBHOOK_TEST_CHILD"

type childSpec struct {
	File   string   // Bolt, or
	Addrs  []string // Redis
	URL    string
	Number int
}

func child(text string) int {
	var spec childSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return complain(err)
	}
	u, err := url.Parse(spec.URL)
	if err != nil {
		return complain(err)
	}
	s := &Sender{Target: "crm", URL: u, Secrets: []wechat.Secret{testSecret}}
	var l ledger.Ledger
	if spec.File != "" {
		b, err := boltledger.Open(spec.File)
		if err != nil {
			return complain(err)
		}
		b.Wake = s.Wake
		l = b
	} else {
		client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: spec.Addrs, ContextTimeoutEnabled: true})
		r := redisledger.New(redisledger.Options{Client: client, Timeout: 10 * time.Second, Wake: s.Wake})
		r.Start()
		l = r
	}
	s.Outbox = l
	l.SetTargets([]ledger.Target{{Name: "crm"}})
	go func() { os.Exit(complain(s.Run(context.Background()))) }()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() { signIn(l, spec.Number, worker) })
	}
	wg.Wait()
	return 1
}

// signIn prints each sign-in once the ledger says that it is kept. Its number
// travels as the scope.
func signIn(l ledger.Ledger, number, worker int) {
	for n := 0; ; n++ {
		mark := fmt.Sprintf("%d.%d.%06d", number, worker, n)
		open := fmt.Sprintf("o%d.%d.%d", number, worker, n%10)
		if _, err := l.Observe(context.Background(), ledger.Observation{AppID: testAppID, OpenID: open, SignedIn: true, Scope: mark}); err != nil {
			os.Exit(complain(err))
		}
		fmt.Println(mark)
	}
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// gateway is a child that runs.
type gateway struct {
	command *exec.Cmd
	lines   chan []string
}

func begin(t *testing.T, spec childSpec) *gateway {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{command: exec.Command(os.Args[0]), lines: make(chan []string, 1)}
	g.command.Env = append(os.Environ(), childEnv+"="+string(text))
	g.command.Stderr = os.Stderr
	out, err := g.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.command.Start(); err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	go func() {
		var lines []string
		for in := bufio.NewReader(out); ; {
			line, err := in.ReadString('\n') // the last one may be cut off
			if err != nil {
				break
			}
			if lines = append(lines, strings.TrimSpace(line)); len(lines) == 1 {
				close(started)
			}
		}
		g.lines <- lines
	}()
	t.Cleanup(func() { _ = g.command.Process.Kill() })
	select {
	case <-started:
	case <-time.After(30 * time.Second):
		t.Fatal("the child signs nobody in")
	}
	return g
}

// kill ends a child at once and returns what it said was kept.
func (g *gateway) kill(t *testing.T) []string {
	t.Helper()
	_ = g.command.Process.Kill()
	lines := <-g.lines
	if err := g.command.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed at work: %v", err)
	}
	return lines
}

// kept is what arrived, by id.
type kept struct {
	mu     sync.Mutex
	t      *testing.T
	bodies map[string]string // by id
	marks  map[string]string // mark to id
	last   map[string]string // newest mark by openid
	taken  map[string]bool   // marks that were accepted
	copies int
}

func (k *kept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || r.Header.Get(headerID) != m.ID {
		k.t.Errorf("%v: %s", err, body)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	before, copied := k.bodies[m.ID]
	if copied {
		if k.copies++; before != string(body) {
			k.t.Errorf("one id, two bodies:\n%s\n%s", before, body)
		}
	} else {
		if id, ok := k.marks[m.Data.Scope]; ok {
			k.t.Errorf("%s came as %s and as %s", m.Data.Scope, id, m.ID)
		}
		if k.last[m.Data.OpenID] > m.Data.Scope {
			k.t.Errorf("%s after %s", m.Data.Scope, k.last[m.Data.OpenID])
		}
		k.bodies[m.ID], k.marks[m.Data.Scope], k.last[m.Data.OpenID] = string(body), m.ID, m.Data.Scope
	}
	// The first of each worker is refused once, so that when its gateway dies
	// something waits, and others behind it.
	if !copied && strings.HasSuffix(m.Data.Scope, ".000000") {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	k.taken[m.Data.Scope] = true
}

// waitForOne waits until an event was accepted: a busy machine may take long.
func (k *kept) waitForOne(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		k.mu.Lock()
		taken := len(k.taken)
		k.mu.Unlock()
		if taken > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no event arrives")
		}
	}
}

// kill -9 at any instant: whatever the ledger said was kept arrives, at least
// once, always as the same, in order.
func TestKillNineLosesNothing(t *testing.T) {
	t.Parallel()
	for name, rounds := range map[string]func(t *testing.T, address string, arrived func()) (said []string, drain ledger.Ledger){
		"Bolt": func(t *testing.T, address string, arrived func()) (said []string, drain ledger.Ledger) {
			file := filepath.Join(t.TempDir(), "ledger.db")
			for round := range 5 {
				g := begin(t, childSpec{File: file, URL: address, Number: round})
				time.Sleep(time.Duration(50+rand.N(250)) * time.Millisecond)
				if round == 4 {
					arrived()
				}
				said = append(said, g.kill(t)...)
			}
			b := openBolt(t, file)
			t.Cleanup(func() { _ = b.Close() })
			return said, b
		},
		// Two gateways: the one that sends dies, then the other; whose lease
		// runs out must not stop a third.
		"Redis": func(t *testing.T, address string, arrived func()) (said []string, drain ledger.Ledger) {
			server := redistest.Standalone(t, redistest.Options{})
			spec := childSpec{Addrs: server.Universal().Addrs, URL: address}
			a := begin(t, spec)
			spec.Number++
			b := begin(t, spec)
			time.Sleep(time.Duration(300+rand.N(300)) * time.Millisecond)
			arrived()
			said = a.kill(t)
			time.Sleep(time.Duration(rand.N(200)) * time.Millisecond)
			return append(said, b.kill(t)...), openRedis(t, server.Universal())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &kept{t: t, bodies: map[string]string{}, marks: map[string]string{}, last: map[string]string{}, taken: map[string]bool{}}
			server := serve(t, false, k.ServeHTTP)
			said, l := rounds(t, server.URL, func() { k.waitForOne(t) })
			k.mu.Lock()
			before := len(k.taken)
			k.mu.Unlock()
			u, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			end := start(t, &Sender{Outbox: l, Target: "crm", URL: u, Secrets: []wechat.Secret{testSecret}})
			drained(t, l, "crm")
			end()
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, mark := range said {
				if !k.taken[mark] {
					t.Errorf("%s was lost", mark)
				}
			}
			if before == 0 || before == len(k.taken) {
				t.Errorf("%d of %d arrived before the last kill: nothing was proved", before, len(k.taken))
			}
			t.Logf("%d kept, %d arrived, %d of them before the last kill, %d copies", len(said), len(k.taken), before, k.copies)
		})
	}
}
