package redisledger

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// fleetEnv makes the test binary one instance of a fleet.
const fleetEnv = "LEDGER_FLEET_TEST"

// fleetSpec tells a child what to do.
type fleetSpec struct {
	Addrs   []string
	Cluster bool
	Master  string
	Prefix  string
	Crowd   int // so many goroutines see one unionid; 0: sign-ins until killed
	Number  int
}

func (s fleetSpec) client() redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: s.Addrs, IsClusterMode: s.Cluster, MasterName: s.Master, ContextTimeoutEnabled: true,
	})
}

func fleetChild(spec string) int {
	var s fleetSpec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	r := New(Options{Client: s.client(), Prefix: s.Prefix, Timeout: 20 * time.Second})
	r.Start()
	see := func(in ledger.Observation) {
		p, err := r.Observe(context.Background(), in)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s,%s,%s,%s\n", in.AppID, in.OpenID, in.UnionID, p.ID)
	}
	var wg sync.WaitGroup
	if s.Crowd > 0 {
		bufio.NewReader(os.Stdin).ReadByte() // the start signal
		for i := range s.Crowd {
			wg.Go(func() {
				app := fmt.Sprint("wx", (i+s.Number)%4)
				see(ledger.Observation{AppID: app, OpenID: "o" + app, UnionID: "u"})
			})
		}
	} else {
		ledgertest.CrowdForEver(r)
	}
	wg.Wait()
	return 0
}

// child starts one instance. Closing stdin gives the start signal.
func child(t *testing.T, s fleetSpec) (cmd *exec.Cmd, stdin io.Closer, lines *bufio.Reader) {
	t.Helper()
	spec, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fleetEnv+"="+string(spec))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	return cmd, in, bufio.NewReader(out)
}

// TestFleetOnePerson: four processes, a crowd of goroutines each, the same
// unionid from four accounts.
func TestFleetOnePerson(t *testing.T) {
	run := func(name string, b func(t testing.TB) redistest.Backend) {
		t.Run(name, func(t *testing.T) { fleetOnePerson(t, b(t)) })
	}
	run("standalone", func(t testing.TB) redistest.Backend { return shared.Standalone(t) })
	run("sentinel", func(t testing.TB) redistest.Backend { return shared.Sentinel(t) })
	run("cluster", func(t testing.TB) redistest.Backend { return shared.Cluster(t) })
}

func fleetOnePerson(t *testing.T, b redistest.Backend) {
	spec := specOf(b)
	if spec.Crowd = 200; ledgertest.UnderLoad {
		spec.Crowd = 1000
	}
	begun := time.Now()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		ids    = map[string]int{}
		stdins []io.Closer
	)
	for i := range 4 {
		spec.Number = i
		cmd, stdin, lines := child(t, spec)
		stdins = append(stdins, stdin)
		wg.Go(func() {
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					break
				}
				f := strings.Split(strings.TrimSpace(line), ",")
				mu.Lock()
				ids[f[3]]++
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, in := range stdins {
		in.Close()
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("%d persons", len(ids))
	}
	for id, n := range ids {
		r := testRedis(t, b.Client(), spec.Prefix, nil)
		p, err := r.Find(t.Context(), id)
		if n != 4*spec.Crowd || err != nil || len(p.Accounts) != 4 || len(p.Merged) != 0 || p.UnionID != "u" {
			t.Errorf("%d sign-ins, want %d; person %+v, %v", n, 4*spec.Crowd, p, err)
		}
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("4 processes x %d sign-ins: one person, in %v", spec.Crowd, time.Since(begun).Round(time.Millisecond))
}

func specOf(b redistest.Backend) fleetSpec {
	o := b.Universal()
	return fleetSpec{Addrs: o.Addrs, Cluster: o.IsClusterMode, Master: o.MasterName, Prefix: "fleet:"}
}

// TestFleetCrash kills instances in the middle of their writes, while others go
// on. The ledger must not contradict itself, and must hold every sign-in that
// was reported as kept.
func TestFleetCrash(t *testing.T) {
	b := shared.Standalone(t)
	spec := specOf(b)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		kept []string
	)
	for i := range 3 {
		wg.Go(func() {
			for range 4 {
				spec := spec
				spec.Number = i
				cmd, _, lines := child(t, spec)
				for n := 0; ; n++ {
					line, err := lines.ReadString('\n')
					if err != nil {
						break
					}
					if n == 0 {
						time.AfterFunc(time.Duration(50+rand.IntN(400))*time.Millisecond, func() { cmd.Process.Kill() })
					}
					mu.Lock()
					kept = append(kept, strings.TrimSuffix(line, "\n"))
					mu.Unlock()
				}
				if err := cmd.Wait(); err == nil {
					t.Error("the child was not killed at work")
				}
			}
		})
	}
	wg.Wait()
	r := testRedis(t, b.Client(), spec.Prefix, nil)
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	p, err := posted(r, "crm")
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.AllTold(t, r, p, kept, 12)
	for _, line := range kept {
		f := strings.Split(line, ",")
		p, err := r.FindOpenID(t.Context(), f[0], f[1])
		if err != nil || f[2] != "" && p.UnionID != f[2] {
			t.Fatalf("the sign-in %q is gone: %+v, %v", line, p, err)
		}
		if q, err := r.Find(t.Context(), f[3]); err != nil || q.ID != p.ID {
			t.Fatalf("the id in %q leads to %s, %v, want %s", line, q.ID, err, p.ID)
		}
	}
	t.Logf("12 processes killed, %d sign-ins kept", len(kept))
}
