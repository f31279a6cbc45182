package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// The accounts of the other doors. Their secrets are WeChat's to know, and
// ours.
const (
	miniAppID    = "wx00000000000000a1"
	mobileAppID  = "wx00000000000000b1"
	websiteAppID = "wx00000000000000c1"
)

// doorSecrets are the secrets of the accounts, by the variables they stand in.
var doorSecrets = map[string]string{
	"MINI_SECRET":    "5ecret0fTheMiniProgram0000000000",
	"MOBILE_SECRET":  "5ecret0fTheMobileApp000000000000",
	"WEBSITE_SECRET": "5ecret0fTheWebsite00000000000000",
}

// doorAccounts are the blocks of the other doors.
const doorAccounts = `
		mini_program mini {
			app_id ` + miniAppID + `
			app_secret {env.MINI_SECRET}
		}
		mobile_app app {
			app_id ` + mobileAppID + `
			app_secret {env.MOBILE_SECRET}
		}
		website pc {
			app_id ` + websiteAppID + `
			app_secret {env.WEBSITE_SECRET}
		}
`

// doorWorld is a world whose gateway has all four doors.
type doorWorld struct {
	*world
	admin     string // address of Caddy's admin endpoint
	transport *recorder
	waited    atomic.Int64 // how often clients were told to come again, and did
}

// doorOptions choose a world.
type doorOptions struct {
	options
	redis    bool   // else bolt
	secure   bool   // https, for browsers
	official string // more of the official account's block
}

// newDoorWorld starts everything. The accounts are bound to the Open Platform.
func newDoorWorld(t *testing.T, o doorOptions) *doorWorld {
	t.Helper()
	store := ""
	if o.redis {
		store = "store redis " + redistest.Standalone(t, redistest.Options{}).URL() // ends after Caddy
	}
	d := &doorWorld{world: newWorld(t), admin: "127.0.0.1:" + freePort(t)}
	for name, secret := range doorSecrets {
		t.Setenv(name, secret)
	}
	d.bind("open")
	if o.secure {
		d.site = "https://localhost:" + d.port
		o.site, o.server = d.site, "auto_https disable_redirects"
	} else {
		d.app.answer(whoAmI) // browsers see a page
	}
	_, host, _ := strings.Cut(d.site, "://")
	d.transport = newRecorder(t, host)
	d.load(d.doorfile(o, store))
	if o.secure {
		d.awaitCertificate()
		d.transport.TLSClientConfig = d.trust()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what Caddy said that is no routine:\n%s", d.troubles())
		}
	})
	return d
}

// doorfile is the world's Caddyfile with the other doors, an access log as
// operators are told to write it, and the admin endpoint.
func (d *doorWorld) doorfile(o doorOptions, store string) string {
	d.t.Helper()
	o.global += doorAccounts
	if o.auth == "" {
		o.auth = "outside_wechat login\n\t\theader phone on\n\t\tcors_origin https://app.example.com"
	}
	o.before += "\n\tlog {\n\t\toutput file " + d.folder + "/access.log\n\t\t" + d.exampleLogFilter() + "\n\t}"
	text := d.caddyfile(o.options)
	for before, after := range map[string]string{
		"admin off\n":                            "admin " + d.admin + "\n\tmetrics\n",
		"app_secret {env.WECHAT_APP_SECRET}\n":   "app_secret {env.WECHAT_APP_SECRET}\n\t\t\t" + o.official + "\n",
		"output file " + d.folder + "/caddy.log": "output file " + d.folder + "/caddy.log\n\t\t" + d.exampleLogFilter(),
		"store local " + d.folder + "/ledger":    strings.TrimSpace(store),
	} {
		if after == "" {
			continue
		}
		if strings.Count(text, before) != 1 {
			d.t.Fatalf("%q does not stand once in:\n%s", before, text)
		}
		text = strings.Replace(text, before, after, 1)
	}
	return text
}

// bind binds all four accounts to a platform, or to none: then there are no
// unionids.
func (d *doorWorld) bind(platform string) {
	d.t.Helper()
	for _, a := range []wechattest.Account{
		{AppID: appID, Secret: appSecret, Name: "测试商店", CallbackDomains: []string{"*"}},
		{AppID: miniAppID, Secret: doorSecrets["MINI_SECRET"], Name: "测试小程序", Kind: wechattest.MiniProgram},
		{AppID: mobileAppID, Secret: doorSecrets["MOBILE_SECRET"], Name: "测试应用", Kind: wechattest.MobileApp},
		{AppID: websiteAppID, Secret: doorSecrets["WEBSITE_SECRET"], Name: "测试网站", Kind: wechattest.Website, CallbackDomains: []string{"*"}},
	} {
		a.Platform = platform
		if err := d.wechat.AddAccount(a); err != nil {
			d.t.Fatal(err)
		}
	}
}

// person adds somebody with WeChat on a phone, who follows the official
// account.
func (d *doorWorld) person(id string) string {
	d.t.Helper()
	if err := d.wechat.AddPerson(wechattest.Person{ID: id, Nickname: id, Follows: []string{appID}}); err != nil {
		d.t.Fatal(err)
	}
	return id
}

// whoAmI is the app: it says whom it takes the visitor for.
func whoAmI(w http.ResponseWriter, r *http.Request) {
	told := map[string]string{}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Wechat-") {
			told[name] = strings.Join(values, "|")
		}
	}
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		told["Authorization"] = authorization
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(told) // the visitor is gone
}

// ledgerLines are all the persons of the ledger, as the admin endpoint exports
// them.
func (d *doorWorld) ledgerLines() []ledgerPerson {
	d.t.Helper()
	var persons []ledgerPerson
	for i, line := range strings.Split(strings.TrimSpace(d.adminGet("/wechat/ledger")), "\n") {
		var p ledgerPerson
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			d.t.Fatalf("line %d of the ledger: %v", i+1, err)
		}
		if p.ID != "" {
			persons = append(persons, p)
		}
	}
	return persons
}

// ledgerPerson is what these tests read of a person.
type ledgerPerson struct {
	ID       string `json:"id"`
	UnionID  string `json:"unionid"`
	Accounts []struct {
		AppID  string `json:"app_id"`
		OpenID string `json:"openid"`
		Phone  string `json:"phone"`
	} `json:"accounts"`
}

func (d *doorWorld) adminGet(path string) string {
	d.t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + d.admin + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := readAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("admin %s: %s %s %v", path, response.Status, body, err)
	}
	return body
}

// simURL is an address of simulated WeChat.
func (d *doorWorld) simURL() *url.URL {
	u, err := url.Parse(d.sim.URL)
	if err != nil {
		panic(fmt.Sprintf("the simulator is at %q", d.sim.URL))
	}
	return u
}

// troubles are the last lines of the log above INFO.
func (d *doorWorld) troubles() string {
	var lines []string
	for line := range strings.Lines(d.log()) {
		if strings.Contains(line, `"level":"warn"`) || strings.Contains(line, `"level":"error"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-20):], "")
}
