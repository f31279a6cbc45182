package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// consolePages are all pages that a GET shows, and words on them.
var consolePages = []struct {
	path  string
	words []string
}{
	{"/", []string{"The gateway can serve visitors", "v1.0.0", "128\u202f412", "Sign-ins", "<svg", "40163", "look for another program"}},
	{"/persons", []string{ming, hong, "banned", "128\u202f412 in all", "?after=c2"}},
	{"/persons?after=c2", []string{hong}},
	{"/persons/" + ming, []string{ming, openID, "uABCDEFGHIJKLMNOPQRSTUVWXYZ1", "小明 Ming", "https://shop.example.com", oneSID, "Ban"}},
	{"/persons/" + hong, []string{hong, "Lift the ban", "There is no session"}},
	{"/persons/" + ming + "/erase", []string{ming, "Type ab2cd3 to confirm"}},
	{"/bans", []string{hong, "2 erased persons"}},
	{"/webhooks", []string{"crm", "points"}},
	{"/webhooks/crm", []string{"crm.internal", "answered 503", letter, "answered 500", ming}},
	{"/webhooks/crm/letters/" + letter, []string{letter, "&#34;reason&#34;: &#34;201&#34;"}},
	{"/webhooks/crm/purge", []string{"Remove all dead letters"}},
	{"/webhooks/crm/purge?letter=" + letter, []string{"Remove this letter", letter}},
	{"/pushes", []string{"main", "/_wechat/push/main", "214", "No push since the start"}},
	{"/keys", []string{"1f2e3d4c", "current", "Replace all keys now", "End everyone"}},
	{"/keys/retire", []string{"Type retire to confirm"}},
	{"/everyone", []string{"Type everyone to confirm"}},
	{"/doctor", []string{"The same as wechat doctor"}},
}

// Every page is there, in both languages, as one document without script.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, c := range consolePages {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			page := d.get(c.path)
			if page.Code != http.StatusOK {
				t.Fatalf("%d %s", page.Code, page.Body)
			}
			for _, word := range c.words {
				if !strings.Contains(page.Body.String(), word) {
					t.Errorf("without %q", word)
				}
			}
			inChinese := d.get(c.path, "Accept-Language", "zh-CN,zh;q=0.9,en;q=0.5")
			body := inChinese.Body.String()
			if inChinese.Code != http.StatusOK || !strings.Contains(body, `<html lang="zh-CN">`) || inChinese.Header().Get("Content-Language") != "zh-CN" || !strings.Contains(body, "微信网关") {
				t.Errorf("in Chinese: %d %s", inChinese.Code, body)
			}
			for _, forbidden := range []string{"<script", " style=", " onclick", "javascript:"} {
				if strings.Contains(body, forbidden) {
					t.Errorf("with %q", forbidden)
				}
			}
			if changes := d.gateway.changes(); len(changes) > 0 {
				t.Errorf("a page changes something: %v", changes)
			}
		})
	}
}

// Each form sends the call that it is for, and says what was done.
func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		path   string
		fields []string
		call   string
		want   string
	}{
		{"end one session", "/persons/" + ming + "/sessions", []string{"session", oneSID}, "DELETE /wechat/sessions/" + oneSID + "?person=" + ming, "The session is ended."},
		{"end all sessions", "/persons/" + ming + "/sessions", nil, "DELETE /wechat/sessions?person=" + ming, "All sessions are ended: 2."},
		{"ban", "/persons/" + ming + "/ban", []string{"reason", ""}, "POST /wechat/persons/" + ming + "/ban", "The person is banned."},
		{"ban with a reason", "/persons/" + ming + "/ban", []string{"reason", " spam & more "}, "POST /wechat/persons/" + ming + "/ban?reason=spam+%26+more", "The person is banned."},
		{"unban", "/persons/" + hong + "/unban", nil, "DELETE /wechat/persons/" + hong + "/ban", "The ban is lifted."},
		{"unban an erased person", "/bans", []string{"id", openID}, "DELETE /wechat/bans?id=" + openID, "The ban is lifted."},
		{"erase", "/persons/" + ming + "/erase", []string{"word", "ab2cd3"}, "DELETE /wechat/persons/" + ming, "The person is erased."},
		{"end everyone's sessions", "/everyone", []string{"word", "everyone"}, "DELETE /wechat/sessions?everyone=true", "All sessions are ended."},
		{"redeliver one", "/webhooks/crm/redeliver", []string{"letter", letter}, "POST /wechat/webhooks/crm/redeliver?id=" + letter, "Waiting to be sent again: 1."},
		{"redeliver all", "/webhooks/crm/redeliver", []string{"all", "yes"}, "POST /wechat/webhooks/crm/redeliver", "Waiting to be sent again: 7."},
		{"purge one", "/webhooks/crm/purge", []string{"letter", letter}, "DELETE /wechat/webhooks/crm/dead?id=" + letter, "Removed: 1."},
		{"purge all", "/webhooks/crm/purge", []string{"all", "yes"}, "DELETE /wechat/webhooks/crm/dead", "Removed: 7."},
		{"test", "/webhooks/crm/test", nil, "POST /wechat/webhooks/crm/test", "HTTP 204, 12 ms"},
		{"rotate", "/keys", nil, "POST /wechat/keys/rotate", "The key 5e6f7a8b is added."},
		{"retire", "/keys/retire", []string{"word", "retire"}, "POST /wechat/keys/rotate?retire_now=true", "The key 5e6f7a8b has replaced all others."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			answer := d.post(c.path, c.fields...)
			if changes := d.gateway.changes(); !slices.Equal(changes, []string{c.call}) {
				t.Fatalf("it sends %v, want %s (%d %s)", changes, c.call, answer.Code, answer.Body)
			}
			d.follows(answer, c.want)
		})
	}
}

// What cannot be undone is not done without the right word, and an id that is
// missing does not mean all.
func TestUnconfirmedFormsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		path   string
		fields []string
	}{
		{"erase without the word", "/persons/" + ming + "/erase", nil},
		{"erase with another word", "/persons/" + ming + "/erase", []string{"word", "hq2cd3"}},
		{"everyone without the word", "/everyone", nil},
		{"everyone with another word", "/everyone", []string{"word", "retire"}},
		{"retire without the word", "/keys/retire", []string{"word", ""}},
		{"redeliver nothing", "/webhooks/crm/redeliver", nil},
		{"redeliver an empty letter", "/webhooks/crm/redeliver", []string{"letter", ""}},
		{"purge nothing", "/webhooks/crm/purge", nil},
		{"purge an empty letter", "/webhooks/crm/purge", []string{"letter", "", "all", "no"}},
		{"unban nobody", "/bans", []string{"id", " "}},
		{"a reason that is too long", "/persons/" + ming + "/ban", []string{"reason", strings.Repeat("x", 201)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			answer := d.post(c.path, c.fields...)
			if answer.Code != http.StatusBadRequest && answer.Code != http.StatusNotFound {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if changes := d.gateway.changes(); len(changes) > 0 {
				t.Errorf("it sends %v", changes)
			}
		})
	}
}

// A search by an id leads to the person, one by nickname lists persons. What
// was searched for is in no address.
func TestSearch(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for by, what := range map[string]string{"openid": openID, "id": ming} {
		if answer := d.post("/persons", "by", by, "for", what); answer.Header().Get("Location") != d.base+"/persons/"+ming {
			t.Errorf("by %s: %d to %q", by, answer.Code, answer.Header().Get("Location"))
		}
	}
	page := d.post("/persons", "by", "nickname", "for", "小")
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), ming) || !strings.Contains(page.Body.String(), hong) {
		t.Errorf("by nickname: %d %s", page.Code, page.Body)
	}
	d.gateway.answer("GET /wechat/persons?app_id=wx1&openid=o2", 200, `[]`)
	if page := d.post("/persons", "by", "openid", "for", "o2", "app_id", "wx1"); !strings.Contains(page.Body.String(), "No person was found") {
		t.Errorf("nobody: %d %s", page.Code, page.Body)
	}
	d.gateway.refuse("GET /wechat/persons?openid=o3", 400, "app_id_needed", "an openid belongs to one account: add its app id, one of wx1 (main), wx2 (mini)")
	if page := d.post("/persons", "by", "openid", "for", "o3"); page.Code != 400 || !strings.Contains(page.Body.String(), "wx2 (mini)") {
		t.Errorf("without the app id: %d %s", page.Code, page.Body)
	}
	for _, fields := range [][]string{{"by", "openid"}, {"by", "phone", "for", "1"}, {"by", "openid", "for", strings.Repeat("o", 201)}} {
		if page := d.post("/persons", fields...); page.Code != 400 {
			t.Errorf("%v: %d", fields, page.Code)
		}
	}
}

// The export is the gateway's answer, byte for byte, as a file.
func TestExport(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	answer := d.get("/persons/" + ming + "/export")
	if answer.Body.String() != d.gateway.answers["GET /wechat/persons/"+ming].body {
		t.Errorf("%s", answer.Body)
	}
	if h := answer.Header(); h.Get("Content-Type") != "application/json" || h.Get("Content-Disposition") != `attachment; filename="person-`+ming+`.json"` {
		t.Errorf("%v", h)
	}
}

// The doctor's report, the worst first, in the operator's language.
func TestDoctorPage(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	body := d.post("/doctor").Body.String()
	failure, unknown, pass := strings.Index(body, "203.0.113.7"), strings.Index(body, "it does not answer"), strings.Index(body, "it can be loaded")
	if failure < 0 || unknown < failure || pass < unknown || !strings.Contains(body, "Add this address to the account") {
		t.Errorf("%d %d %d in %s", failure, unknown, pass, body)
	}
	d.post("/language", "language", "zh-CN", "back", d.base+"/doctor")
	if body := d.post("/doctor").Body.String(); !strings.Contains(body, "把这个地址加到") {
		t.Errorf("in Chinese: %s", body)
	}
}

// The switch of the language leads back to the page, and is remembered.
func TestLanguageSwitch(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	answer := d.post("/language", "language", "zh-CN", "back", d.base+"/persons/"+ming)
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != d.base+"/persons/"+ming {
		t.Errorf("%d to %q", answer.Code, answer.Header().Get("Location"))
	}
	if page := d.get("/webhooks"); !strings.Contains(page.Body.String(), `<html lang="zh-CN">`) {
		t.Errorf("the language is forgotten: %s", page.Body)
	}
	if answer := d.post("/language", "language", "fr"); answer.Code != http.StatusBadRequest {
		t.Errorf("a language that is not there: %d", answer.Code)
	}
}

// Attack: the address to which the switch of the language leads back is another
// site's.
func TestAttackLanguageSwitchLeadsElsewhere(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, back := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "/persons", d.base + "//evil.example", d.base + "/../../evil", d.base + "evil", "\r\nX: y", d.base + "/a\r\nX: y"} {
		answer := d.post("/language", "language", "en", "back", back)
		location := answer.Header().Get("Location")
		u, err := url.Parse(location)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.EscapedPath(), d.base+"/") || strings.HasPrefix(location, "//") || strings.ContainsAny(location, "\\\r\n") {
			t.Errorf("%q leads to %q", back, location)
		}
	}
}

// Where a chart has no numbers it says so, and the time before the gateway's
// start is marked.
func TestChartsOfAQuietGateway(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	now := time.Now().UTC().Format(time.RFC3339)
	d.gateway.answer("GET /wechat/history", 200, `{"since":"`+now+`","step_seconds":300,"buckets":[{"from":"`+now+`","started":0,"finished":{},"errcodes":{}}]}`)
	body := d.get("/").Body.String()
	for _, want := range []string{"No sign-in in the last 24 hours", "No error in the last 24 hours", "was not called in the last 24 hours", "The gateway remembers since", `class="unknown"`, "There are no numbers"} {
		if !strings.Contains(body, want) {
			t.Errorf("without %q in %s", want, body)
		}
	}
}
