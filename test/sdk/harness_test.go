package sdk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	appID      = "wx1234567890abcdef" // the simulator's official account
	miniID     = "wx2345678901bcdefa" // its mini program
	appSecret  = "a5ec0000000000000000000000000001"
	miniSecret = "a5ec0000000000000000000000000002"
	person     = "xiaoming"
	pushToken  = "T0ken4Pushes"
	pushKey    = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

	phoneUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"
)

// world is a simulated WeChat whose accounts have secrets and a callback domain
// of their own, and where the gateway will be.
type world struct {
	t      *testing.T
	wechat string // the simulator's address
	port   string // the gateway's
	site   string // the gateway's address
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, port: freePort(t)}
	w.site = "http://127.0.0.1:" + w.port
	simulator := exec.Command(binary, "wechat", "simulate", "--listen", "127.0.0.1:0",
		"--account", "secret="+appSecret+",domain=127.0.0.1:"+w.port,
		"--account", "kind=mini_program,secret="+miniSecret)
	w.wechat = start(t, simulator, "WeChat, simulated, is at ", "/ (the control page)")
	return w
}

// runGateway starts the gateway in front of an app. account is what stands in
// the official account beside its app id and secret.
func (w *world) runGateway(app, account string) {
	w.t.Helper()
	folder := w.t.TempDir()
	config := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{
	admin off
	persist_config off
	default_bind 127.0.0.1
	storage file_system %[1]s/storage
	wechat {
		official_account {
			app_id %[2]s
			app_secret {env.WECHAT_APP_SECRET}
			%[3]s
		}
		store local %[1]s/ledger
		open_url %[4]s
		api_url %[4]s
	}
}

%[5]s {
	wechat_auth {
		scope snsapi_base
		public /own/*
	}
	reverse_proxy %[6]s
}
`, folder, appID, account, w.wechat, w.site, strings.TrimPrefix(app, "http://")), 0o600); err != nil {
		w.t.Fatal(err)
	}
	gateway := exec.Command(binary, "run", "--adapter", "caddyfile", "--config", config)
	gateway.Env = append(os.Environ(), "WECHAT_APP_SECRET="+appSecret, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	start(w.t, gateway, `"msg":"serving initial configuration"`, "}")
}

// start runs a program until the test ends, and returns what stands between
// before and after in the first line that has both.
func start(t *testing.T, program *exec.Cmd, before, after string) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	program.Stdout, program.Stderr = writer, writer
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	var mu sync.Mutex
	var log bytes.Buffer
	found, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			line := lines.Text() + "\n"
			mu.Lock()
			log.WriteString(line)
			mu.Unlock()
			_, rest, ok := strings.Cut(line, before)
			if value, _, ok2 := strings.Cut(rest, after); ok && ok2 {
				select {
				case found <- value:
				default:
				}
			}
		}
	}()
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
		<-ended
		if t.Failed() {
			t.Logf("%s:\n%s", program.Args[1], log.String())
		}
	})
	select {
	case value := <-found:
		return value
	case <-ended:
	case <-time.After(time.Minute):
	}
	mu.Lock()
	defer mu.Unlock()
	t.Fatalf("%v did not start:\n%s", program.Args, log.String())
	return ""
}

// node runs a script of this folder, and returns the address that it prints.
func node(t *testing.T, script string, env ...string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is missing: apt-get install nodejs npm")
	}
	if _, err := os.Stat("node_modules"); err != nil {
		t.Fatal("the npm packages are missing: run npm ci in test/sdk, as test/all.sh does")
	}
	program := exec.Command("node", script)
	program.Env = append(os.Environ(), env...)
	return "http://127.0.0.1:" + start(t, program, "http://127.0.0.1:", "\n")
}

// visitor makes a browser of WeChat, which follows redirects.
func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 30 * time.Second}
}

// open navigates, and returns what the last answer says.
func open(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("User-Agent", phoneUA)
	request.Header.Set("Accept", "text/html")
	return answered(t, client, request)
}

func answered(t *testing.T, client *http.Client, request *http.Request) string {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// identity is what an app says of its visitor, or what went wrong.
type identity struct {
	OpenID, UnionID, Nickname, State string
	Renewed                          bool
	Errcode                          int
	Errmsg                           string
}

// read reads JSON that an app or the simulator has answered.
func read[V any](t *testing.T, body string) V {
	t.Helper()
	var v V
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// press sends a form of the simulator's control page.
func (w *world) press(action string, pairs ...string) {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	response, err := http.PostForm(w.wechat+"/_sim/"+action, form)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK { // the control page, after a redirect
		body, _ := io.ReadAll(response.Body)
		w.t.Fatalf("%s: %s %s", action, response.Status, body)
	}
}

// play does on the phone what a script can: wx.login, a tap, a message.
func (w *world) play(action, appID, text string) string {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"person": person, "app_id": appID, "text": text})
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, w.wechat+"/_sim/wx/"+action, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return answered(w.t, http.DefaultClient, request)
}

// givenPorts are not given again: the gateway listens on its port long after the
// test has asked for the port of its app.
var givenPorts = map[string]bool{}

// freePort returns a port that is free now, below those that the kernel gives
// to connections. Tests here run one after the other.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(7000 + rand.N(3000))
		if givenPorts[port] {
			continue
		}
		givenPorts[port] = true
		if listener, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}
