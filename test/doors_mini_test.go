package test

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// miniLine is one line of what testdata/mini/client.js prints.
type miniLine struct {
	Step, Failed string
	Answer       string
	Logins       int
	Told         json.RawMessage
	User         map[string]any
	Phone        *string
	Src          string
	Error        string
	Status       int
	Stored       int
}

// runMini runs a mini program in Node for a person and returns what it printed,
// by step. Every answer it got is searched for secrets like those of other
// clients.
func (d *doorWorld) runMini(person string) map[string]miniLine {
	d.t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		d.t.Fatal("node is not there; run ./test/all.sh, or: apt-get install nodejs")
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, node, "testdata/mini/client.js")
	command.Env = append(os.Environ(), "SIM="+d.sim.URL, "SITE="+d.site, "PERSON="+person, "APP_ID="+miniAppID)
	ownGroup(command)
	out, err := command.CombinedOutput()
	steps := map[string]miniLine{}
	for line := range strings.Lines(string(out)) {
		var m miniLine
		if json.Unmarshal([]byte(line), &m) != nil || m.Failed != "" {
			d.t.Fatalf("the mini program: %s %s", m.Failed, line)
		}
		if m.Answer != "" {
			d.transport.keep(line)
			continue
		}
		steps[m.Step] = m
	}
	if err != nil || steps["end"].Step == "" {
		d.t.Fatalf("the mini program: %v\n%s", err, out)
	}
	return steps
}

func (m miniLine) told(t *testing.T) map[string]string {
	t.Helper()
	told := map[string]string{}
	if err := json.Unmarshal(m.Told, &told); err != nil {
		t.Fatalf("%s: %v: %s", m.Step, err, m.Told)
	}
	return told
}

// A mini program, with the very code that docs/doors.md has, signs in, is known
// to the app as the person that the official account knows, hands over phone
// number and profile, opens a web-view, and finds its way back whenever it is
// refused.
func TestMiniProgramClient(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	person := d.person("lan")
	browser := d.guest(person, atOfficial)
	if err := browser.enters(); err != nil {
		t.Fatal(err)
	}
	official, err := browser.who()
	if err != nil {
		t.Fatal(err)
	}
	mini := d.guest(person, atMini)
	steps := d.runMini(person)
	var pages []map[string]string
	if err := json.Unmarshal(steps["pages"].Told, &pages); err != nil || len(pages) != 3 || steps["pages"].Logins != 1 {
		t.Fatalf("%v: %d pages, %d logins", err, len(pages), steps["pages"].Logins)
	}
	pages = append(pages, steps["told"].told(t), steps["again"].told(t))
	for i, told := range pages {
		for header, want := range mini.expected(official["X-Wechat-User"]) {
			if told[header] != want {
				t.Errorf("page %d: %s %q, want %q", i, header, told[header], want)
			}
		}
	}
	if steps["again"].Logins != 3 { // the first, the one for the stale profile, the one after the logout
		t.Errorf("%d logins", steps["again"].Logins)
	}
	phone, told := steps["phone"].Phone, steps["told"].told(t)
	if phone == nil || !strings.HasPrefix(*phone, "+86 199") || told["X-Wechat-Phone"] != *phone {
		t.Errorf("phone %v, the app is told %q", phone, told["X-Wechat-Phone"])
	}
	if steps["phone refused"].Phone != nil {
		t.Errorf("a refused phone number is %q", *steps["phone refused"].Phone)
	}
	if steps["session"].User["id"] != official["X-Wechat-User"] || steps["profile"].User["nickname"] != "lan" || told["X-Wechat-Nickname"] != "lan" {
		t.Errorf("session %v, profile %v, the app is told %v", steps["session"].User, steps["profile"].User, told)
	}
	if s := steps["stale profile"]; s.Error != "session_key_stale" || s.Status != 400 {
		t.Errorf("stale profile: %+v", s)
	}
	if s := steps["bad codes"]; s.Error != "code_invalid" || s.Status != 400 {
		t.Errorf("bad codes: %+v", s)
	}
	if steps["end"].Stored != 0 {
		t.Errorf("%d things are left in the storage", steps["end"].Stored)
	}
	d.checkMiniWebView(steps["web-view"].Src)
	d.noSecrets()
}

// checkMiniWebView checks the address that the mini program made. Its session
// was ended meanwhile: nobody is signed in by it any more.
func (d *doorWorld) checkMiniWebView(src string) {
	d.t.Helper()
	u, err := url.Parse(src)
	if err != nil || !strings.HasPrefix(src, "https://shop.example.com/who?a=%2F&b&wechat_ticket=") || u.Fragment != "part" {
		d.t.Fatalf("web-view %q: %v", src, err)
	}
	view := d.guest("hong", atOfficial)
	view.userAgent = webViewUA
	if _, err := view.dance(u.RequestURI()); err != nil {
		d.t.Fatal(err)
	}
	if told, err := view.who(); err != nil || told["X-Wechat-Openid"] != d.wechat.OpenID("hong", appID) {
		d.t.Errorf("the web-view of a session that has ended: %v %v", told, err)
	}
}

// The code in the documentation is the code that was tested.
func TestDocumentedClientIsTheTestedOne(t *testing.T) {
	tested, err := os.ReadFile("testdata/mini/gateway.js")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../docs/doors.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "```js\n"+string(tested)+"```\n") {
		t.Error("docs/doors.md does not have test/testdata/mini/gateway.js as it is: who changes one, changes the other")
	}
}
