package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// letterBox is a business system that answers what the test says.
type letterBox struct {
	*httptest.Server
	status atomic.Int64
	last   atomic.Pointer[string] // body
}

func newLetterBox(t *testing.T, status int) *letterBox {
	t.Helper()
	b := new(letterBox)
	b.status.Store(int64(status))
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		b.last.Store(&text)
		w.WriteHeader(int(b.status.Load()))
	}))
	t.Cleanup(b.Close)
	return b
}

// hooked opens an office with a webhook, whose URL has a token.
func hooked(t *testing.T, store string, b *letterBox) *office {
	t.Helper()
	t.Setenv("HOOK_SECRET", hookSecret)
	address := b.URL + "/hook?token=tok-en"
	return openOfficeWith(t, store, fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["{env.HOOK_SECRET}"]}],`, address))
}

type shownWebhook struct {
	Name, Host    string
	Waiting, Dead int
	Oldest        *time.Time
	NextTry       *time.Time `json:"next_try"`
	LastError     string     `json:"last_error"`
	Events        []shownLetter
}

type shownLetter struct {
	ID, Type, User string
	At             time.Time
	Attempts       int
	NextTry        *time.Time `json:"next_try"`
	LastError      string     `json:"last_error"`
	Dead           *bool
	Died           *time.Time
	Body           map[string]any
}

// get reads an answer strictly, and looks for secrets in it.
func get[T any](o *office, path string) (answer T) {
	o.t.Helper()
	text := o.must("GET", path, "", http.StatusOK)
	for _, secret := range []string{"whsec", "MfKQ9r8", "tok-en", "/hook", "v1,"} {
		if strings.Contains(text, secret) {
			o.t.Errorf("%s shows %s:\n%s", path, secret, text)
		}
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&answer); err != nil {
		o.t.Fatalf("%v: %s", err, text)
	}
	return answer
}

// What waits for a system is shown with its age, its next try, the last error
// and its body; dead letters are purged. The same on both stores.
func TestAdminShowsLetters(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			box := newLetterBox(t, http.StatusInternalServerError)
			o := hooked(t, store(t), box)
			if empty := get[shownWebhook](o, "/wechat/webhooks/crm"); empty.Waiting != 0 || empty.Oldest != nil || empty.NextTry != nil || len(empty.Events) != 0 {
				t.Errorf("nothing waits: %+v", empty)
			}
			began := time.Now()
			user := o.caller("ming").signIn()
			var shown shownWebhook
			soon(t, "a failure", func() bool {
				shown = get[shownWebhook](o, "/wechat/webhooks/crm")
				return len(shown.Events) == 1 && shown.Events[0].Attempts > 0
			})
			if shown.Name != "crm" || "http://"+shown.Host != box.URL || shown.Waiting != 1 || shown.LastError != "answered 500" ||
				shown.Oldest.Before(began.Add(-2*time.Second)) || shown.NextTry == nil || !shown.NextTry.After(began) {
				t.Errorf("shown %+v", shown)
			}
			first := shown.Events[0]
			if first.Type != "signed_in" || first.User != user || first.LastError != "answered 500" || first.NextTry == nil || first.Body != nil {
				t.Errorf("listed %+v", first)
			}
			one := get[shownLetter](o, "/wechat/webhooks/crm/letters/"+first.ID)
			var sent map[string]any
			if err := json.Unmarshal([]byte(*box.last.Load()), &sent); err != nil || fmt.Sprint(one.Body) != fmt.Sprint(sent) || len(sent) == 0 {
				t.Errorf("the body is shown as %v, and was sent as %v, %v", one.Body, sent, err)
			}
			if one.ID != first.ID || *one.Dead || one.Died != nil || one.NextTry == nil {
				t.Errorf("one letter: %+v", one)
			}
			box.status.Store(http.StatusGone)
			soon(t, "a dead letter", func() bool { return get[shownWebhook](o, "/wechat/webhooks/crm").Dead == 1 })
			if one = get[shownLetter](o, "/wechat/webhooks/crm/letters/"+first.ID); !*one.Dead || one.Died == nil || one.NextTry != nil || one.LastError != "answered 410" {
				t.Errorf("the dead letter: %+v", one)
			}
			o.must("DELETE", "/wechat/webhooks/crm/dead?id="+user, "", http.StatusNotFound)
			if answer := o.must("DELETE", "/wechat/webhooks/crm/dead?id="+first.ID, "", http.StatusOK); answer != "{\"purged\":1}\n" {
				t.Errorf("purged: %s", answer)
			}
			o.must("GET", "/wechat/webhooks/crm/letters/"+first.ID, "", http.StatusNotFound)
			if answer := o.must("DELETE", "/wechat/webhooks/crm/dead", "", http.StatusOK); answer != "{\"purged\":0}\n" {
				t.Errorf("purged: %s", answer)
			}
			for path, method := range map[string]string{
				"/wechat/webhooks/other": "GET", "/wechat/webhooks/other/letters/" + first.ID: "GET", "/wechat/webhooks/other/test": "POST",
				"/wechat/webhooks/other/dead": "DELETE", "/wechat/webhooks/crm/letters/": "GET", "/wechat/webhooks/crm/letters/x": "GET",
			} {
				o.must(method, path, "", http.StatusNotFound)
			}
		})
	}
}

// A test event goes to the configured address and to no other.
func TestAdminTestsWebhooks(t *testing.T) {
	box := newLetterBox(t, http.StatusAccepted)
	o := hooked(t, local(t), box)
	type result struct{ Status, Milliseconds *int }
	var r result
	if err := json.Unmarshal([]byte(o.must("POST", "/wechat/webhooks/crm/test", "", http.StatusOK)), &r); err != nil || *r.Status != 202 || *r.Milliseconds < 0 || *r.Milliseconds > 15_000 {
		t.Errorf("%+v, %v", r, err)
	}
	if body := *box.last.Load(); !strings.HasPrefix(body, `{"type":"test","version":1,`) || !strings.HasSuffix(body, `"data":{}}`) {
		t.Errorf("sent %s", body)
	}
	stranger := newLetterBox(t, http.StatusOK)
	for _, query := range []string{"?url=" + stranger.URL, "?name=x"} {
		o.must("POST", "/wechat/webhooks/crm/test"+query, "", http.StatusBadRequest)
	}
	o.must("POST", "/wechat/webhooks/crm/test", `{"url":"`+stranger.URL+`"}`, http.StatusOK)
	if stranger.last.Load() != nil {
		t.Error("the caller chose the address")
	}
	box.status.Store(http.StatusUnauthorized)
	status, answer, header := o.call("POST", "/wechat/webhooks/crm/test", "")
	if r := wantRefusal(t, status, answer, header); status != http.StatusBadGateway || r.Error != "webhook_failed" || !strings.HasSuffix(r.Message, "answered 401") {
		t.Errorf("refused: %d %s", status, answer)
	}
	box.Close()
	if _, answer, _ := o.call("POST", "/wechat/webhooks/crm/test", ""); !strings.Contains(answer, "connection refused") || strings.Contains(answer, "127.0.0.1") {
		t.Errorf("not reached: %s", answer)
	}
	if list := o.must("GET", "/wechat/webhooks", "", http.StatusOK); list != "[{\"name\":\"crm\",\"waiting\":0,\"dead\":0}]\n" {
		t.Errorf("a test event waits: %s", list)
	}
}
