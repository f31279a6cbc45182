package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack: revocations arrive while Redis is away, are answered `success`, and
// the gateway is stopped. It carries them out when it is started again, soon
// after Redis is back.
func TestAttackPushesAreLostInARestart(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	o := openOffice(t, redisConfig(server))
	o.load(strings.Replace(o.config, `"{env.SECRET}"`, `"{env.SECRET}","name":"main","push":{"tokens":["tokenOfTheTest1"]}`, 1))
	phones := map[string]*caller{"ming": o.caller("ming"), "hong": o.caller("hong")}
	for _, phone := range phones {
		phone.signIn()
	}
	nextSecond()
	server.Kill()
	var all sync.WaitGroup
	for person := range phones {
		all.Go(func() { o.revoke(person) })
	}
	all.Wait()
	if n := o.waitingPushes(); n != len(phones) {
		t.Errorf("%d files, want %d", n, len(phones))
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	o.load(o.config) // Redis is still away
	server.Restart()
	for begun := time.Now(); o.waitingPushes() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("the pushes wait")
		}
	}
	for person, phone := range phones {
		if phone.isSignedIn() {
			t.Errorf("the session of %s lives on", person)
		}
		if phone.signIn(); !phone.isSignedIn() {
			t.Errorf("%s cannot sign in afterwards", person)
		}
	}
}

// Revocations wait for Redis in the journal, sealed with a session key, when all
// session keys are replaced because one leaked. They are carried out after a
// restart all the same.
func TestPushesOutliveTheirKey(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	o := openOffice(t, redisConfig(server))
	o.load(strings.Replace(o.config, `"{env.SECRET}"`, `"{env.SECRET}","name":"main","push":{"tokens":["tokenOfTheTest1"]}`, 1))
	o.caller("ming").signIn()
	acted := func() uint64 {
		var list []struct{ Results map[string]uint64 }
		if err := json.Unmarshal([]byte(o.must("GET", "/wechat/pushes", "", http.StatusOK)), &list); err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0].Results["acted"]
	}
	before := acted()
	nextSecond()
	server.Kill()
	o.revoke("ming")
	if n := o.waitingPushes(); n != 1 {
		t.Fatalf("%d files, want 1", n)
	}
	sealed := o.pushFiles()
	o.must("POST", "/wechat/keys/rotate?retire_now=true", "", http.StatusOK)
	if again := o.pushFiles(); again == sealed || len(again) == 0 {
		t.Errorf("the entry is not sealed with the new key:\n%s", again)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := o.waitingPushes(); n != 1 {
		t.Fatalf("%d files after the stop, want 1", n)
	}
	o.load(o.config) // Redis is still away
	server.Restart()
	soon(t, "the push is carried out", func() bool { return o.waitingPushes() == 0 })
	if n := acted(); n <= before { // the gateway that was stopped may have tried as well: the ledger has it once
		t.Errorf("%d pushes carried out, want more than %d", n, before)
	}
}

// pushFiles is what the files of the push journal contain.
func (o *office) pushFiles() (all string) {
	o.t.Helper()
	for _, file := range o.journal() {
		text, err := os.ReadFile(file)
		if err != nil {
			o.t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

// journal lists the files of the push journal.
func (o *office) journal() []string {
	o.t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("XDG_DATA_HOME"), "caddy", "wechat", "pushes", "*.push"))
	if err != nil {
		o.t.Fatal(err)
	}
	return files
}

// revoke has WeChat tell that a person withdrew, and wants `success`.
func (o *office) revoke(person string) {
	o.t.Helper()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	query := url.Values{"timestamp": {stamp}, "nonce": {"1"}, "signature": {wechat.PushSignature(wechat.NewSecret("tokenOfTheTest1"), stamp, "1")}}
	body := fmt.Sprintf("<xml><MsgType>event</MsgType><Event>user_authorization_revoke</Event><RevokeInfo>205</RevokeInfo><CreateTime>%s</CreateTime><OpenID>%s</OpenID></xml>",
		stamp, o.sim.OpenID(person, simApp))
	response, err := http.Post(o.site+"/_wechat/push/main?"+query.Encode(), "text/xml", strings.NewReader(body))
	if err != nil {
		o.t.Error(err)
		return
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); string(answer) != "success" || err != nil {
		o.t.Errorf("answered %d %q %v", response.StatusCode, answer, err)
	}
}

// waitingPushes is how many files the push journal has.
func (o *office) waitingPushes() int { return len(o.journal()) }
