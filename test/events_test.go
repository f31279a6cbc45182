package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// eventBook keeps what a probe received.
type eventBook struct {
	mu  sync.Mutex
	all []probed
}

func (b *eventBook) add(p probed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, p)
}

func (b *eventBook) events() []probed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all)
}

// Handlers of Caddy's events app see what the audit log says, with the same
// shortened ids, in the same order, also after a reload; and nothing in an
// event could be used against a person.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	admin, file := "127.0.0.1:"+freePort(t), w.folder+"/audit.log"
	var every, named eventBook
	w.listen("every", every.add)
	w.listen("named", named.add)
	config := w.caddyfile(options{
		admin: admin, account: pushAccount, global: "", server: auditTo(file) + `
	events {
		on * probe every
		on wechat_signed_in probe named {event.name} {event.data.user} {event.data.account} {event.data.flow}
	}`,
		auth: "scope snsapi_base\n\t\tscope snsapi_userinfo /account/*\n\t\twithout_consent allow",
	})
	w.load(config)
	pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
	ming := w.visitor("ming")
	ming.signIn(w.site + "/")
	user := w.userOf()
	ming.decline(w.site + "/account/x")
	ming.send(http.MethodPost, w.site+"/_wechat/logout", "", http.Header{"Accept": {"application/json"}})
	w.load(strings.Replace(config, "persist_config off", "persist_config off\n\tgrace_period 5s", 1)) // a reload
	hong := w.visitor("hong")
	hong.signIn(w.site + "/")
	hong.signIn(w.site + "/account/x") // asks, and hong consents
	other := w.userOf()
	if status, text := outside(t, http.MethodDelete, "http://"+admin+"/wechat/persons/"+user, ""); status >= 300 {
		t.Fatalf("%d %s", status, text)
	}
	for _, push := range []func(string, string) (wechattest.Pushed, error){
		func(p, a string) (wechattest.Pushed, error) { return w.wechat.PushRevoke(p, a) },
		w.wechat.PushCancel,
	} {
		if pushed, err := push("hong", appID); err != nil || !pushed.Accepted {
			t.Fatalf("%+v %v", pushed, err)
		}
	}
	want := []string{
		"wechat_signed_in " + user[:8], "wechat_declined " + user[:8], "wechat_signed_out " + user[:8], "wechat_signed_in " + other[:8],
		"wechat_stepped_up " + other[:8], "wechat_erased " + user[:8], "wechat_revoked " + other[:8], "wechat_erased " + other[:8],
	}
	var got []probed
	soon(t, "the events come", 5*time.Second, func() bool {
		got = slices.DeleteFunc(every.events(), func(p probed) bool { return !strings.HasPrefix(p.name, "wechat_") })
		return len(got) >= len(want)
	})
	var short []string
	for _, p := range got {
		short = append(short, fmt.Sprint(p.name, " ", p.data["user"]))
		if p.module != "wechat" {
			t.Errorf("%s comes from the module %q", p.name, p.module)
		}
	}
	if !slices.Equal(short, want) {
		t.Fatalf("events:\n%s\nwant:\n%s", strings.Join(short, "\n"), strings.Join(want, "\n"))
	}
	sameAsAudit(t, file, got)
	signIns := named.events()
	if len(signIns) != 2 || !slices.Equal(signIns[0].args, []string{"wechat_signed_in", user[:8], "default", signIns[0].data["flow"].(string)}) {
		t.Errorf("the handler of sign-ins got %+v", signIns)
	}
	all, err := json.Marshal(fmt.Sprint(every.events()))
	if err != nil {
		t.Fatal(err)
	}
	w.namesNobody(t, map[string]string{"an event": string(all)}, map[string]string{"user": user, "other user": other, "session": hong.cookie(w.site, "wechat")})
}

// sameAsAudit compares events with the lines of the audit log: they have the
// same data.
func sameAsAudit(t *testing.T, file string, events []probed) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) != len(events) {
		t.Fatalf("%d lines in the audit log, %d events", len(lines), len(events))
	}
	for i, text := range lines {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"level", "ts", "logger", "msg", "action"} {
			delete(line, name)
		}
		for name, value := range line {
			if events[i].data[name] != value {
				t.Errorf("%s: %s is %v, and %v in the audit log", events[i].name, name, events[i].data[name], value)
			}
		}
		for name, value := range events[i].data {
			if value != "" && line[name] != value {
				t.Errorf("%s: %s is %v, and %v in the audit log", events[i].name, name, value, line[name])
			}
		}
	}
}

// A handler that hangs holds up no visitor and no reload, and what its queue
// lost is in the log.
func TestAttackAHandlerOfEventsHangs(t *testing.T) {
	w := newWorld(t)
	hangs := make(chan struct{})
	w.listen("hangs", func(probed) { <-hangs })
	t.Cleanup(func() { close(hangs) }) // before Caddy stops: cleanups run backwards
	config := w.caddyfile(options{
		auth: "scope snsapi_base", server: "events {\n\t\ton wechat_signed_in probe hangs\n\t\ton wechat_signed_out probe hangs\n\t}",
	})
	w.load(config)
	for range 3 {
		ming := w.visitor("ming")
		ming.signIn(w.site + "/")
		ming.send(http.MethodPost, w.site+"/_wechat/logout", "", http.Header{"Accept": {"application/json"}})
	}
	w.load(w.caddyfile(options{auth: "scope snsapi_base"}))
	w.visitor("hong").signIn(w.site + "/")
	soon(t, "the log counts the lost events", 5*time.Second, func() bool {
		return strings.Contains(w.log(), "events were lost at the end of this configuration") && strings.Contains(w.log(), `"events":5`)
	})
}
