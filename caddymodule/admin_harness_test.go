package caddymodule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/caddytest"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	simApp    = "wx1234567890abcdef"
	simSecret = "5ecret5ecret5ecret5ecret5ecret00"
	phoneUA   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"
)

// office is a running gateway with its admin endpoint, and a simulated WeChat.
type office struct {
	t      *testing.T
	sim    *wechattest.Server
	simAt  string // URL
	site   string // URL
	admin  string // URL
	config string // as it was loaded

	storage string // the folder of Caddy's storage, of those who reload
}

// openOffice runs the gateway with a store. The site tells each visitor who
// they are. An empty store leaves the whole wechat block out.
func openOffice(t *testing.T, store string) *office {
	t.Helper()
	return openOfficeWith(t, store, "")
}

// openOfficeWith is openOffice with more JSON of the app, a comma behind it.
func openOfficeWith(t *testing.T, store, more string) *office {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("SECRET", simSecret)
	free := freeAddresses(t, 2)
	o := &office{t: t, site: "http://" + free[0], admin: "http://" + free[1]}
	o.sim = wechattest.New(wechattest.Config{
		Accounts: []wechattest.Account{{AppID: simApp, Secret: simSecret, Name: "店", CallbackDomains: []string{"*"}, Platform: "open"}},
		Persons:  []wechattest.Person{{ID: "ming", Nickname: "小明"}, {ID: "hong", Nickname: "小红"}},
	})
	server := httptest.NewServer(o.sim)
	o.simAt = server.URL
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
		server.Close()
		o.sim.Close()
	})
	handlers, app := `{"handler":"wechat_auth","scope":"snsapi_base"},`, ""
	if store == "" {
		handlers = ""
	} else {
		app = fmt.Sprintf(`"wechat":{%s"official_accounts":[{"app_id":%q,"app_secret":"{env.SECRET}"}],"store":%s,"open_url":%q,"api_url":%q},`, more, simApp, store, o.simAt, o.simAt)
	}
	config := fmt.Sprintf(`{
		"admin":{"listen":%q,"config":{"persist":false}},
		"storage":{"module":"file_system","root":%q},
		"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},
		"apps":{%s"http":{"servers":{"s":{"listen":[%q],"routes":[{"handle":[%s{"handler":"static_response","body":"user={http.auth.user.user}"}]}]}}}}
	}`, strings.TrimPrefix(o.admin, "http://"), t.TempDir(), app, strings.TrimPrefix(o.site, "http://"), handlers)
	o.load(config)
	return o
}

// load runs a configuration.
func (o *office) load(config string) {
	o.t.Helper()
	if err := caddy.Load([]byte(config), true); err != nil {
		o.t.Fatalf("%v in %s", err, config)
	}
	caddytest.Settle(o.t)
	o.config = config
}

// local is a store in a folder of the test.
func local(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf(`{"store":"local","folder":%q}`, t.TempDir())
}

// freeAddresses returns addresses of loopback where nobody listens, below the
// ports that the kernel gives to others before Caddy listens. Each is another
// one: Caddy would let its admin endpoint and a site share an address, and each
// would get some of the requests.
func freeAddresses(t *testing.T, n int) (all []string) {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(10100+rand.N(1800)))
		if err != nil {
			continue
		}
		defer listener.Close() // when all are chosen
		if all = append(all, listener.Addr().String()); len(all) == n {
			return all
		}
	}
	t.Fatal("no free port of a hundred")
	return nil
}

// call sends one call to the admin endpoint. The answer must be as
// docs/openapi.yaml says.
func (o *office) call(method, path, body string) (status int, answer string, header http.Header) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.admin+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	wantDocumented(o.t, method, path, response, b)
	return response.StatusCode, string(b), response.Header
}

// must sends a call that succeeds with this status.
func (o *office) must(method, path, body string, want int) string {
	o.t.Helper()
	status, answer, _ := o.call(method, path, body)
	if status != want {
		o.t.Fatalf("%s %s: %d, want %d: %s", method, path, status, want, answer)
	}
	return answer
}

// ledgerFile is the ledger of the goldens.
func (o *office) ledgerFile() string {
	o.t.Helper()
	b, err := os.ReadFile("testdata/admin/ledger.jsonl")
	if err != nil {
		o.t.Fatal(err)
	}
	return string(b)
}

// caller is a browser in WeChat.
type caller struct {
	o      *office
	client *http.Client
}

func (o *office) caller(person string) *caller {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	at, err := url.Parse(o.simAt)
	if err != nil {
		o.t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{o.sim.PhoneCookie(person)})
	return &caller{o, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (c *caller) get(client *http.Client) (int, string) {
	c.o.t.Helper()
	return c.fetch(client, "/")
}

// visit opens a page of the site, by way of WeChat where asked.
func (c *caller) visit(path string) {
	c.o.t.Helper()
	if status, body := c.fetch(c.client, path); status != http.StatusOK {
		c.o.t.Fatalf("%s: %d %.300s", path, status, body)
	}
}

func (c *caller) fetch(client *http.Client, path string) (int, string) {
	c.o.t.Helper()
	request, err := http.NewRequestWithContext(c.o.t.Context(), http.MethodGet, c.o.site+path, nil)
	if err != nil {
		c.o.t.Fatal(err)
	}
	request.Header.Set("User-Agent", phoneUA)
	request.Header.Set("Accept", "text/html")
	response, err := client.Do(request)
	if err != nil {
		c.o.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		c.o.t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

// signIn opens the site, by way of WeChat where asked, and returns who the
// visitor is to it.
func (c *caller) signIn() string {
	c.o.t.Helper()
	status, body := c.get(c.client)
	user, ok := strings.CutPrefix(body, "user=")
	if status != http.StatusOK || !ok || user == "" {
		c.o.t.Fatalf("the site answered %d: %.300s", status, body)
	}
	return user
}

// isSignedIn asks once and goes nowhere.
func (c *caller) isSignedIn() bool {
	c.o.t.Helper()
	still := *c.client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, body := c.get(&still)
	if status != http.StatusFound && status != http.StatusOK {
		c.o.t.Fatalf("the site answered %d: %.300s", status, body)
	}
	return status == http.StatusOK
}

// nextSecond waits until sessions have another second of birth than those now.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

// copyCookies returns another browser with the same cookies of the site.
func (c *caller) copyCookies() *caller {
	c.o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.o.t.Fatal(err)
	}
	at, err := url.Parse(c.o.site)
	if err != nil {
		c.o.t.Fatal(err)
	}
	jar.SetCookies(at, c.client.Jar.Cookies(at))
	return &caller{c.o, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// restart stops the gateway, waits until it has released the ledger's file, and
// starts it again.
func (o *office) restart() {
	o.t.Helper()
	o.stop()
	o.load(o.config)
}

// stop stops the gateway, and waits until it has released the ledger's file. It
// returns the file's path, "" if the store has none.
func (o *office) stop() (file string) {
	o.t.Helper()
	if err := caddy.Stop(); err != nil {
		o.t.Fatal(err)
	}
	var config struct {
		Apps struct {
			WeChat struct{ Store struct{ Folder string } }
		}
	}
	if err := json.Unmarshal([]byte(o.config), &config); err != nil {
		o.t.Fatal(err)
	}
	folder := config.Apps.WeChat.Store.Folder
	if folder == "" {
		return ""
	}
	file = filepath.Join(folder, "ledger.db")
	book, err := boltledger.Open(file) // waits for three seconds
	for end := time.Now().Add(30 * time.Second); errors.Is(err, ledger.ErrLocked) && time.Now().Before(end); {
		book, err = boltledger.Open(file)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		o.t.Fatal(err)
	}
	return file
}
