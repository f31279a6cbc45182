package webhook

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

const receivers = "../../docs/receivers/"

// program is a receiver of docs/receivers that runs.
type program struct {
	address string
	mu      sync.Mutex
	events  []string // "<id> <type> <user>"
}

// languages start the receivers that we show, with a secret.
var languages = map[string]func(t *testing.T, secret string) *program{
	"Go": func(t *testing.T, secret string) *program {
		binary := filepath.Join(t.TempDir(), "receiver")
		build(t, "go", "build", "-o", binary, "./"+receivers+"go")
		return run(t, secret, binary, "-listen", "127.0.0.1:0")
	},
	"Java": func(t *testing.T, secret string) *program {
		for _, tool := range []string{"java", "javac"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Fatalf("%s is missing; install it with: apt-get install default-jdk-headless", tool)
			}
		}
		classes := t.TempDir()
		// Old web apps run on old Java: what they need must not ask for more
		// than 8.
		build(t, "javac", "--release", "8", "-Xlint:-options", "-d", classes, receivers+"java/WebhookVerifier.java")
		build(t, "javac", "-cp", classes, "-d", classes, receivers+"java/Receiver.java")
		return run(t, secret, "java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", classes, "Receiver", "0")
	},
}

func build(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func run(t *testing.T, secret, name string, args ...string) *program {
	t.Helper()
	command := exec.Command(name, args...)
	command.Env = append(os.Environ(), "WECHAT_WEBHOOK_SECRET="+secret)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p, port, done := &program{}, make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if number, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
				port <- number
			} else if event, ok := strings.CutPrefix(lines.Text(), "event "); ok {
				p.mu.Lock()
				p.events = append(p.events, event)
				p.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() { _ = command.Process.Kill(); <-done; _ = command.Wait() })
	select {
	case number := <-port:
		p.address = "http://127.0.0.1:" + number + "/"
	case <-done:
		t.Fatalf("the receiver ended: %s", complaints.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the receiver does not listen")
	}
	return p
}

func (p *program) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.events...)
}

// The receivers that we show take everything the sender sends, with the secret
// in force or the one before, each event once.
func TestReceiversTakeEveryEvent(t *testing.T) {
	t.Parallel()
	secrets := []wechat.Secret{testSecret, wechat.NewSecret("the secret before, which is plain text")}
	for language, begin := range languages {
		for i, secret := range secrets {
			t.Run(fmt.Sprint(language, " secret ", i+1), func(t *testing.T) {
				t.Parallel()
				p, b := begin(t, secret.Reveal()), &box{}
				want := map[string]bool{}
				n := 0
				for _, e := range everyKind() {
					n++
					e.ID = eventID(n)
					user := e.Person
					if user == "" && language == "Java" {
						user = "null"
					}
					want[strings.TrimSpace(fmt.Sprint(e.ID, " ", e.Kind, " ", user))] = true
					b.put(e)
				}
				u, err := url.Parse(p.address)
				if err != nil {
					t.Fatal(err)
				}
				end := start(t, &Sender{Outbox: b, Target: "crm", URL: u, Secrets: secrets, Accounts: testAccounts})
				for stop := time.Now().Add(20 * time.Second); len(p.seen()) < n && time.Now().Before(stop); {
					time.Sleep(5 * time.Millisecond)
				}
				end()
				if waiting, dead := b.left(); len(waiting)+len(dead) != 0 {
					t.Errorf("%d wait, %d dead: %v", len(waiting), len(dead), b.notes())
				}
				for _, line := range p.seen() {
					if line = strings.TrimSpace(line); !want[line] {
						t.Errorf("received %q, or twice", line)
					}
					delete(want, line)
				}
				if len(want) != 0 {
					t.Errorf("not received: %v", want)
				}
			})
		}
	}
}

// What somebody else sends to a receiver has no effect, and a copy has none a
// second time.
func TestReceiversRefuseForgeries(t *testing.T) {
	t.Parallel()
	key, err := secretKey(testSecret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	body := `{"type":"erased","version":1,"id":"` + eventID(1) + `","timestamp":"2026-03-01T10:00:00Z","data":{"user":"` + testUser + `"}}`
	attacks := []struct {
		name   string
		forge  func(r *http.Request) (newBody string)
		status int
	}{
		{"unsigned", func(r *http.Request) string { r.Header = http.Header{}; return body }, 401},
		{"no id", func(r *http.Request) string { r.Header.Del(headerID); return body }, 401},
		{"no time", func(r *http.Request) string { r.Header.Del(headerTimestamp); return body }, 401},
		{"no signature", func(r *http.Request) string { r.Header.Del(headerSignature); return body }, 401},
		{"empty signature", func(r *http.Request) string { r.Header.Set(headerSignature, ""); return body }, 401},
		{"other body", func(*http.Request) string { return strings.Replace(body, testUser, testFormer, 1) }, 401},
		{"longer body", func(*http.Request) string { return body + " " }, 401},
		{"other id", func(r *http.Request) string { r.Header.Set(headerID, eventID(2)); return body }, 401},
		{"other time", func(r *http.Request) string {
			r.Header.Set(headerTimestamp, strconv.FormatInt(time.Now().Unix()+7, 10))
			return body
		}, 401},
		{"signature without version", func(r *http.Request) string {
			r.Header.Set(headerSignature, strings.TrimPrefix(r.Header.Get(headerSignature), "v1,"))
			return body
		}, 401},
		{"other version", func(r *http.Request) string {
			r.Header.Set(headerSignature, strings.Replace(r.Header.Get(headerSignature), "v1", "v2", 1))
			return body
		}, 401},
		{"other secret", func(r *http.Request) string {
			sign(r.Header, [][]byte{[]byte("a secret that is somebody else's")}, eventID(1), time.Now(), []byte(body))
			return body
		}, 401},
		{"time that is no number", func(r *http.Request) string { r.Header.Set(headerTimestamp, "9e9999999"); return body }, 401},
		{"replay of an old one", func(r *http.Request) string {
			sign(r.Header, [][]byte{key}, eventID(1), time.Now().Add(-6*time.Minute), []byte(body))
			return body
		}, 401},
		{"one of the future", func(r *http.Request) string {
			sign(r.Header, [][]byte{key}, eventID(1), time.Now().Add(6*time.Minute), []byte(body))
			return body
		}, 401},
		{"id that moves the dots", func(r *http.Request) string {
			sign(r.Header, [][]byte{key}, "a.b", time.Now(), []byte(body))
			return body
		}, 401},
		{"flood", func(*http.Request) string { return strings.Repeat(" ", 65<<10) + body }, 413},
		{"GET", func(r *http.Request) string { r.Method = http.MethodGet; return body }, 405},
	}
	for language, begin := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			p := begin(t, testSecret.Reveal())
			post := func(forge func(*http.Request) string) int {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.address, nil)
				if err != nil {
					t.Fatal(err)
				}
				sign(r.Header, [][]byte{key}, eventID(1), time.Now(), []byte(body))
				text := forge(r)
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				return response.StatusCode
			}
			for _, attack := range attacks {
				if got := post(attack.forge); got != attack.status {
					t.Errorf("%s: %d, not %d", attack.name, got, attack.status)
				}
			}
			if events := p.seen(); len(events) != 0 {
				t.Errorf("forgeries had an effect: %q", events)
			}
			good := func(*http.Request) string { return body }
			rotating := func(r *http.Request) string {
				r.Header.Set(headerSignature, "v1a,x v1,eHg= "+r.Header.Get(headerSignature))
				return body
			}
			if a, b, c := post(good), post(good), post(rotating); a != 204 || b != 204 || c != 204 {
				t.Errorf("a good one, its copy, and one with other signatures: %d, %d, %d", a, b, c)
			}
			if events := p.seen(); len(events) != 1 {
				t.Errorf("a copy had an effect: %q", events)
			}
		})
	}
}
