package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a system never heard can be looked at, and sent anew under its old id.
func TestAdminWebhooks(t *testing.T) {
	var status atomic.Int64
	var ids atomic.Pointer[string]
	status.Store(http.StatusGone)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("webhook-id")
		ids.Store(&id)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(receiver.Close)
	t.Setenv("HOOK_SECRET", strings.Repeat("k", 32))
	o := openOfficeWith(t, local(t), fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["{env.HOOK_SECRET}"],"events":["signed_in"]}],`, receiver.URL))
	type hook struct {
		Name          string
		Waiting, Dead int
	}
	list := func() (hooks []hook) {
		t.Helper()
		if err := json.Unmarshal([]byte(o.must("GET", "/wechat/webhooks", "", 200)), &hooks); err != nil || len(hooks) != 1 || hooks[0].Name != "crm" {
			t.Fatalf("%+v, %v", hooks, err)
		}
		return hooks
	}
	user := o.caller("ming").signIn()
	soon(t, "a dead letter", func() bool { return list()[0].Dead == 1 })
	var letters []struct{ ID, Type, User, Reason string }
	if err := json.Unmarshal([]byte(o.must("GET", "/wechat/webhooks/crm/dead", "", 200)), &letters); err != nil {
		t.Fatal(err)
	}
	if len(letters) != 1 || letters[0].Type != "signed_in" || letters[0].User != user || letters[0].ID != *ids.Load() || letters[0].Reason == "" {
		t.Errorf("%+v", letters)
	}
	if rest := o.must("GET", "/wechat/webhooks/crm/dead?after="+letters[0].ID, "", 200); rest != "[]\n" {
		t.Errorf("after the last letter: %s", rest)
	}
	if answer := o.must("GET", "/wechat/webhooks/crm/dead?after=nobody", "", 404); !strings.Contains(answer, `"letter_not_found"`) {
		t.Errorf("after no letter: %s", answer)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/wechat/webhooks/other/dead", 404},
		{"POST", "/wechat/webhooks/other/redeliver", 404},
		{"POST", "/wechat/webhooks/crm/redeliver?id=nobody", 404},
		{"POST", "/wechat/webhooks/crm/redeliver?ids=" + letters[0].ID, 400},
		{"GET", "/wechat/webhooks/crm/redeliver", 405},
		{"DELETE", "/wechat/webhooks", 405},
	} {
		if got, answer, _ := o.call(c.method, c.path, ""); got != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, got, c.want, answer)
		}
	}
	status.Store(http.StatusNoContent)
	none := ""
	ids.Store(&none)
	if answer := o.must("POST", "/wechat/webhooks/crm/redeliver?id="+letters[0].ID, "", 200); answer != "{\"redelivered\":1}\n" {
		t.Errorf("redelivered: %s", answer)
	}
	soon(t, "the delivery", func() bool { h := list()[0]; return h.Dead == 0 && h.Waiting == 0 })
	if *ids.Load() != letters[0].ID {
		t.Errorf("delivered as %q, first sent as %q", *ids.Load(), letters[0].ID)
	}
	if answer := o.must("POST", "/wechat/webhooks/crm/redeliver", "", 200); answer != "{\"redelivered\":0}\n" {
		t.Errorf("nothing left, but: %s", answer)
	}
}

// soon waits for something that happens behind our back.
func soon(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}
