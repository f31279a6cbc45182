package test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// operator is an operator of a world's gateway: the program `wechat console`,
// its terminal, and a browser that has entered.
type operator struct {
	*browser
	console *program
	enter   io.Writer // where keys are pressed
	base    string    // address of the console, without the last slash
	hook    *hookReceiver
}

// hookReceiver is a business system, which answers what a test says.
type hookReceiver struct {
	*httptest.Server
	status atomic.Int64
	got    atomic.Int64 // events that were answered 204
}

var oneTimeAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/enter\?token=[\w-]{43}`)

// addresses are the one-time addresses that the terminal shows.
func (o *operator) addresses() []string {
	return oneTimeAddress.FindAllString(o.console.output.String(), -1)
}

// newOperator runs a gateway with a webhook and message push, and opens its
// console in a browser.
func newOperator(t *testing.T, w *world) *operator {
	t.Helper()
	binary, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{hook: new(hookReceiver)}
	o.hook.status.Store(http.StatusGone) // an answer after which an event is given up
	o.hook.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		status := int(o.hook.status.Load())
		if status == http.StatusNoContent {
			o.hook.got.Add(1)
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(o.hook.Close)
	t.Setenv("HOOK_SECRET", strings.Repeat("k", 32))
	t.Setenv("PUSH_TOKEN", "tokenOfTheConsole")
	admin := "127.0.0.1:" + freePort(t)
	w.load(w.caddyfile(options{
		admin:   admin,
		account: "push_token {env.PUSH_TOKEN}",
		global:  "webhook " + o.hook.URL + " {\nname crm\nsecret {env.HOOK_SECRET}\nevents signed_in\n}",
	}))
	command := exec.Command(binary, "wechat", "console", "--listen", "127.0.0.1:"+freePort(t), "--address", admin)
	command.Env = append(command.Environ(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	keys, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.enter = keys
	if o.console, err = start(command); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.console.stop)
	if err := o.console.until(30*time.Second, func() bool { return len(o.addresses()) == 1 }); err != nil {
		t.Fatal(err)
	}
	o.browser = startChromium(t, map[string]string{"window-size": "1280,800"})
	o.open(o.addresses()[0])
	o.sees("网关可以服务访客")
	o.base = strings.TrimSuffix(o.address(), "/")
	return o
}

// looks opens a page on a desktop and on a phone, by day and by night, and
// checks it: no script, nothing that sticks out, texts that can be read.
func (o *operator) looks(name, path string) {
	o.t.Helper()
	for _, screen := range []struct {
		name string
		set  chromedp.Action
	}{{"desktop", chromedp.EmulateViewport(1280, 800)}, {"phone", chromedp.EmulateViewport(390, 844)}} {
		o.do(screen.set)
		o.open(o.base + path)
		var page struct {
			Scripts int
			Wide    bool
			Style   string
			Title   string
		}
		if err := o.js(`({
			title: document.title, wide: document.documentElement.scrollWidth > innerWidth, style: getComputedStyle(document.querySelector('.home')).textDecorationLine,
			scripts: document.scripts.length + [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style')).length,
		})`, &page); err != nil {
			o.t.Fatal(err)
		}
		if page.Scripts != 0 || page.Wide || page.Style != "none" || !strings.Contains(page.Title, "微信网关") {
			o.t.Errorf("%s on a %s: %+v", name, screen.name, page)
		}
		o.readable(name + " on a " + screen.name)
		for _, scheme := range []string{"dark", "light"} {
			o.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
			o.picture(name + "-" + screen.name + "-" + scheme)
		}
	}
	o.do(chromedp.EmulateViewport(1280, 800))
}

// types enters text into a field, as a keyboard does.
func (o *operator) types(selector, text string) {
	o.t.Helper()
	o.do(chromedp.Focus(selector, chromedp.ByQuery), chromedp.KeyEvent(text))
}

// finds searches for a person by openid, and arrives at the person's page.
func (o *operator) finds(openID string) (person string) {
	o.t.Helper()
	o.open(o.base + "/persons")
	o.types(`input[name="for"]`, openID)
	o.tap(".search button")
	o.is("arrives at the person", "location.pathname.split('/').length === 4")
	o.sees(openID)
	return o.address()[strings.LastIndexByte(o.address(), '/')+1:]
}

// An operator does everything in the console: find a person by openid, look at
// sessions, end them, ban and unban, export, erase, rotate keys, look at a dead
// letter and send it again.
func TestBrowserConsole(t *testing.T) {
	w := newWorld(t)
	o := newOperator(t, w)
	ming, hong := w.visitor("ming"), w.visitor("hong")
	ming.signIn(w.site + "/orders?id=7")
	hong.signIn(w.site + "/orders?id=8")
	if !ming.passes(w.site) || !hong.passes(w.site) {
		t.Fatal("the visitors are not signed in")
	}
	mingID, hongID := w.wechat.OpenID("ming", appID), w.wechat.OpenID("hong", appID)
	person := o.finds(mingID)
	o.sees("小明")
	o.sees(w.site) // a session that this gateway has seen

	// Sessions end: the next visit signs in again, silently.
	o.tap("#end-all")
	o.sees("会话已全部结束")
	if ming.passes(w.site) {
		t.Error("a session lives on")
	}
	time.Sleep(time.Second) // a session of this second would be ended, too
	// Another browser: one that comes back from WeChat three times in a minute is
	// asked to try again.
	ming = w.visitor("ming")
	if a := ming.open(w.site + "/"); a.StatusCode != http.StatusOK {
		t.Errorf("the visitor cannot sign in again: %d", a.StatusCode)
	}

	o.tap("#ban")
	o.sees("已封禁")
	if a := ming.open(w.site + "/"); a.StatusCode != http.StatusForbidden || !hong.passes(w.site) {
		t.Errorf("the banned person gets %d", a.StatusCode)
	}
	o.open(o.base + "/bans")
	o.sees(person)
	o.finds(mingID)
	o.tap("#unban")
	o.sees("已解除封禁")
	if a := ming.open(w.site + "/"); a.StatusCode != http.StatusOK {
		t.Errorf("after the ban is lifted: %d", a.StatusCode)
	}

	if export := o.fetches("/persons/" + person + "/export"); !strings.Contains(export, mingID) || !strings.Contains(export, "小明") {
		t.Errorf("the export: %s", export)
	}
	o.lists(person, "小")
	o.looks("status", "/")
	o.looks("persons", "/persons")
	o.looks("person", "/persons/"+person)
	o.looks("erase", "/persons/"+person+"/erase")

	o.finds(hongID)
	o.tap("#erase")
	o.types(`input[name="word"]`, o.address()[len(o.base+"/persons/"):][:6])
	o.tap("#confirm")
	o.sees("已删除")
	if hong.passes(w.site) {
		t.Error("the session of the erased person lives on")
	}

	o.letters(w)
	o.keys(ming, w)
	o.looks("pushes", "/pushes")
	o.looks("bans", "/bans")
	o.looks("doctor", "/doctor")
	o.looks("missing", "/persons/"+strings.Repeat("a", 26))
	o.open(o.base + "/doctor")
	o.tap("#examine")
	o.sees("再检查一次") // what it found, not the page before
	o.leaves()
}

// lists finds the person in the list of all, and by the beginning of the
// nickname.
func (o *operator) lists(person, prefix string) {
	o.t.Helper()
	o.open(o.base + "/persons")
	o.sees(person)
	o.sees("共 2 人")
	o.do(chromedp.SetValue(`select[name="by"]`, "nickname", chromedp.ByQuery))
	o.types(`input[name="for"]`, prefix)
	o.tap(".search button")
	o.sees("查看全部用户")
	o.sees(person)
	if strings.Contains(o.address(), "for=") {
		o.t.Errorf("the name is in the address %s", o.address())
	}
}

// letters looks at a dead letter, and sends it again.
func (o *operator) letters(w *world) {
	o.t.Helper()
	o.open(o.base + "/webhooks/crm")
	for deadline := time.Now().Add(browserLimit); !o.shows("signed_in"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatalf("no dead letter\n%s", o.situation())
		}
		o.reloads()
	}
	o.looks("webhook", "/webhooks/crm")
	o.open(o.base + "/webhooks/crm")
	o.tap("td a")
	o.sees(`"signed_in"`)
	o.looks("letter", strings.TrimPrefix(o.address(), o.base))
	o.open(o.base + "/webhooks/crm")
	o.tap("td a")
	o.hook.status.Store(http.StatusNoContent)
	o.tap("#redeliver")
	o.sees("等待重新发送：1 个")
	for deadline := time.Now().Add(browserLimit); o.hook.got.Load() == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatal("the letter is not sent again")
		}
	}
	o.tap("#test")
	o.sees("测试事件已送达：HTTP 204")
}

// keys adds a key, replaces all, and ends everyone's sessions.
func (o *operator) keys(v *visitor, w *world) {
	o.t.Helper()
	o.looks("keys", "/keys")
	o.open(o.base + "/keys")
	o.tap("#rotate")
	o.sees("已增加密钥")
	if !v.passes(w.site) {
		o.t.Error("a new key signs a visitor out")
	}
	for id, word := range map[string]string{"#everyone": "everyone", "#retire": "retire"} {
		o.open(o.base + "/keys")
		o.tap(id)
		o.types(`input[name="word"]`, word)
		o.tap("#confirm")
		o.sees(map[string]string{"everyone": "会话已全部结束", "retire": "已取代其他全部密钥"}[word])
		if v.passes(w.site) {
			o.t.Errorf("%s: a session lives on", word)
		}
		time.Sleep(time.Second)
		v = w.visitor("ming") // another browser, as above
		v.signIn(w.site + "/")
	}
}

// leaves goes, and comes back with another address.
func (o *operator) leaves() {
	o.t.Helper()
	o.tap(`form[action$="/leave"] button`)
	o.sees("已退出控制台")
	o.open(o.base + "/persons")
	o.sees("请用一次性地址打开控制台")
	o.open(o.addresses()[0])
	o.sees("这个地址已经失效")
	o.picture("used")
	if _, err := io.WriteString(o.enter, "\n"); err != nil {
		o.t.Fatal(err)
	}
	if err := o.console.until(10*time.Second, func() bool { return len(o.addresses()) == 2 }); err != nil {
		o.t.Fatal(err)
	}
	o.open(o.addresses()[1])
	o.sees("网关可以服务访客")
	o.tap(`button[name="language"]`)
	o.sees("The gateway can serve visitors")
}

// fetches reads a file of the console with the browser's cookie.
func (o *operator) fetches(path string) string {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.base+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, cookie := range o.cookies(o.base + path) {
		request.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		o.t.Fatalf("%s: %d %s (%v)", path, response.StatusCode, body, err)
	}
	return string(body)
}

// Attack: a page of another program on this machine, which is the same site for
// the browser, sends the console's forms and shows its pages in a frame. It
// even knows the console's path.
func TestBrowserAttackConsoleFromAnotherPort(t *testing.T) {
	w := newWorld(t)
	o := newOperator(t, w)
	ming := w.visitor("ming")
	ming.signIn(w.site + "/orders?id=7")
	person := o.finds(w.wechat.OpenID("ming", appID))
	o.seen.expect("frame-ancestors", "Refused to", "security")
	var cookies atomic.Pointer[string]
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if sent := r.Header.Get("Cookie"); sent != "" {
			cookies.Store(&sent)
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(rw, `<title>evil</title><iframe id="frame" src="%s/persons/%s" width="600" height="400"></iframe>
			<form id="form" method="post" action="%[1]s/persons/%[2]s/sessions"><input name="csrf" value="x"><button>Win a prize</button></form>
			<a id="link" href="%[1]s/persons/%[2]s">link</a>`, o.base, person)
	}))
	t.Cleanup(evil.Close)
	o.open(evil.URL)
	for deadline := time.Now().Add(browserLimit); !strings.Contains(strings.Join(o.seen.all(), "\n"), "frame-ancestors"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the browser shows a page of the console in a frame\n%s", o.situation())
		}
	}
	o.tap("#form button")
	o.sees("This form comes from another site.")
	o.open(evil.URL)
	o.tap("#link")
	o.sees("您是从别的页面来到控制台的")
	o.tap("#go-on")
	o.sees("网关可以服务访客")
	if !ming.passes(w.site) {
		t.Error("another page has ended a session")
	}
	if sent := cookies.Load(); sent != nil {
		t.Errorf("another port gets the cookies %s", *sent)
	}
}
