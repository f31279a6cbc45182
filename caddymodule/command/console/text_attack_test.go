package console_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// evil is text that would run a script, load a picture or turn a line around.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)` + "\u202e{{.CSRF}}"

// quoted is evil in JSON.
func quoted(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantHarmless fails unless evil is shown, as text.
func wantHarmless(t *testing.T, what, body string) {
	t.Helper()
	if !strings.Contains(body, "alert(1)") {
		t.Errorf("%s: the text is not shown: %s", what, body)
	}
	for _, raw := range []string{"<script>alert", "<img src=x", "' onmouseover='"} {
		if strings.Contains(body, raw) {
			t.Errorf("%s: %q is on the page as it came", what, raw)
		}
	}
}

// Attack: text that strangers choose becomes a part of the page (XSS): a
// nickname, the name of an account, the answer of a business system, an error
// of the gateway.
func TestAttackXSS(t *testing.T) {
	t.Parallel()
	bad := quoted(t)
	for _, c := range []struct{ name, call, answer, path string }{
		{"nickname", "GET /wechat/persons/" + ming, `{"id":"` + ming + `","nickname":` + bad + `,"accounts":[]}`, "/persons/" + ming},
		{"avatar", "GET /wechat/persons/" + ming, `{"id":"` + ming + `","nickname":"x","avatar":` + bad + `,"accounts":[]}`, "/persons/" + ming},
		{"openid", "GET /wechat/persons/" + ming, `{"id":"` + ming + `","accounts":[{"app_id":` + bad + `,"openid":` + bad + `}]}`, "/persons/" + ming},
		{"person's id", "GET /wechat/persons?limit=50", `{"persons":[{"id":` + bad + `,"app_ids":[` + bad + `]}],"next":` + bad + `}`, "/persons"},
		{"site of a session", "GET /wechat/sessions?person=" + ming, `[{"id":` + bad + `,"site":` + bad + `,"scope":` + bad + `}]`, "/persons/" + ming},
		{"webhook's error", "GET /wechat/webhooks/crm", `{"name":"crm","host":` + bad + `,"last_error":` + bad + `,"events":[{"id":` + bad + `,"type":` + bad + `,"last_error":` + bad + `}]}`, "/webhooks/crm"},
		{"dead letter's reason", "GET /wechat/webhooks/crm/dead", `[{"id":` + bad + `,"type":` + bad + `,"user":` + bad + `,"reason":` + bad + `}]`, "/webhooks/crm"},
		{"body of a letter", "GET /wechat/webhooks/crm/letters/" + letter, `{"id":"x","body":{"a":` + bad + `}}`, "/webhooks/crm/letters/" + letter},
		{"webhook's name", "GET /wechat/webhooks", `[{"name":` + bad + `}]`, "/webhooks"},
		{"webhook's name on the status page", "GET /wechat/webhooks", `[{"name":` + bad + `}]`, "/"},
		{"account of pushes", "GET /wechat/pushes", `[{"account":` + bad + `,"path":` + bad + `,"results":{` + bad + `:1}}]`, "/pushes"},
		{"key's id", "GET /wechat/keys", `{"generated":true,"keys":[{"id":` + bad + `,"state":` + bad + `}]}`, "/keys"},
		{"ban", "GET /wechat/bans", `{"bans":[{"person":` + bad + `}],"erased":0}`, "/bans"},
		{"error of a part", "GET /wechat/ready", `{"ready":false,"parts":{` + bad + `:{"state":` + bad + `,"error":` + bad + `}},"wechat":{"state":` + bad + `,"error":` + bad + `},"warnings":[{"warning":` + bad + `,"message":` + bad + `}]}`, "/"},
		{"version", "GET /wechat/status", `{"version":` + bad + `}`, "/"},
		{"error codes", "GET /wechat/history", strings.ReplaceAll(busyDay(time.Now()), `"40029"`, bad), "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			d.gateway.answer(c.call, http.StatusOK, c.answer)
			page := d.get(c.path)
			if page.Code != http.StatusOK {
				t.Fatalf("%d %s", page.Code, page.Body)
			}
			wantHarmless(t, c.name, page.Body.String())
		})
	}
	t.Run("sentence of the gateway", func(t *testing.T) {
		t.Parallel()
		d := openDesk(t)
		d.gateway.refuse("GET /wechat/pushes", http.StatusServiceUnavailable, "store_unavailable", evil)
		wantHarmless(t, "error", d.get("/pushes").Body.String())
		d.gateway.down = errors.New(evil)
		wantHarmless(t, "no answer", d.get("/pushes").Body.String())
	})
	t.Run("what was searched for", func(t *testing.T) {
		t.Parallel()
		d := openDesk(t)
		d.gateway.answers["GET /wechat/persons?nickname="+url.QueryEscape(evil)] = fakeAnswer{200, "[]"}
		page := d.post("/persons", "by", "nickname", "for", evil)
		wantHarmless(t, "search", page.Body.String())
	})
	t.Run("what an action answers", func(t *testing.T) {
		t.Parallel()
		d := openDesk(t)
		d.gateway.answer("POST /wechat/keys/rotate", 200, `{"key":`+bad+`}`)
		answer := d.post("/keys")
		wantHarmless(t, "notice", d.get(strings.TrimPrefix(answer.Header().Get("Location"), d.base)).Body.String())
	})
}

// What the gateway cannot do is a page that says what to do, and no crash.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int // of the gateway; 0: it cannot be reached
		word   string
		says   string
		want   int
		words  []string
	}{
		{"down", 0, "", "", 502, []string{"The gateway cannot be reached", "connection refused", "Does the gateway run?"}},
		{"store unavailable", 503, "store_unavailable", "the store is unavailable; try again", 503, []string{"The gateway cannot answer now", "the store is unavailable; try again"}},
		{"no wechat block", 503, "not_configured", "the running configuration has no wechat block", 503, []string{"no wechat block"}},
		{"older", 404, "unknown_call", "there is no such call", 501, []string{"The running gateway is older", "Upgrade the gateway"}},
		{"still older", 404, "", "there is no such call", 501, []string{"The running gateway is older"}},
		{"older, another method", 405, "method_not_allowed", "this method is not allowed for this call", 501, []string{"The running gateway is older"}},
		{"nobody", 404, "person_not_found", "there is no such person", 404, []string{"Not found", "there is no such person"}},
		{"not with this store", 501, "not_supported", "this store cannot do that", 501, []string{"This store cannot do that"}},
		{"origin", 403, "", "client is not allowed to access from origin ''", 502, []string{"The admin endpoint refuses the console", "origins"}},
		{"conflict", 409, "keys_configured", "the session keys are configured", 409, []string{"the session keys are configured"}},
		{"broken", 500, "", "the server answered 500", 502, []string{"The gateway did not succeed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			for _, call := range []string{"GET /wechat/pushes", "POST /wechat/keys/rotate", "GET /wechat/ready"} {
				d.gateway.refuse(call, c.status, c.word, c.says)
			}
			if c.status == 0 {
				d.gateway.down = errRefused
			}
			page := d.get("/pushes")
			action := d.post("/keys")
			for what, answer := range map[string]string{"page": page.Body.String(), "action": action.Body.String()} {
				for _, word := range c.words {
					if !strings.Contains(strings.ReplaceAll(answer, "&#39;", "'"), word) {
						t.Errorf("%s: without %q in %s", what, word, answer)
					}
				}
			}
			if page.Code != c.want || action.Code != c.want {
				t.Errorf("%d and %d, want %d", page.Code, action.Code, c.want)
			}
		})
	}
}

// Answers that are not what they should be are no crash, either.
func TestAnswersOfAnotherForm(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", "{}", "<html>", `{"persons":5}`, `[{"id":5}]`, `"x"`, "\x00", strings.Repeat("[", 100_000)} {
		d := openDesk(t)
		for call := range d.gateway.answers {
			d.gateway.answers[call] = fakeAnswer{http.StatusOK, body}
		}
		for _, c := range consolePages {
			if page := d.get(c.path); page.Code == http.StatusInternalServerError {
				t.Errorf("%.20q at %s: %d %s", body, c.path, page.Code, page.Body)
			}
		}
	}
}

// A gateway that is not ready is what the status page is for.
func TestStatusOfAGatewayThatIsNotReady(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.gateway.answer("GET /wechat/ready", http.StatusServiceUnavailable, `{"ready":false,"parts":{"store":{"state":"failed","error":"dial tcp 10.0.0.5:6379: i/o timeout"}},"wechat":{"state":"unknown"},"store":{"kind":"redis","persistence":"unknown"},"warnings":[{"warning":"no_persistence","message":"x"},{"warning":"a_newer_one","message":"what the gateway says of it"}]}`)
	for _, call := range []string{"status", "webhooks"} {
		d.gateway.refuse("GET /wechat/"+call, 503, "store_unavailable", "the store is unavailable; try again")
	}
	page := d.get("/")
	for _, want := range []string{"The gateway cannot serve visitors now", "dial tcp 10.0.0.5:6379: i/o timeout", "Set appendonly yes", "what the gateway says of it"} {
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), want) {
			t.Errorf("%d, without %q in %s", page.Code, want, page.Body)
		}
	}
}

// With a gateway of before this console, pages show what that gateway knows.
func TestAnOlderGateway(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for call := range d.gateway.answers {
		for _, newer := range []string{"/status", "/history", "/pushes", "/keys", "/persons?limit", "/persons/count", "/persons?nickname", "/ban", "/webhooks/crm", "everyone"} {
			if strings.Contains(call, newer) && !strings.Contains(call, "/dead") && !strings.Contains(call, "rotate") {
				delete(d.gateway.answers, call)
			}
		}
	}
	d.gateway.refuse("GET /wechat/persons?limit=50", 400, "", "the query must give openid, or app_id and openid, or unionid, or id")
	d.gateway.refuse("GET /wechat/sessions?person="+ming, 501, "", "the local store keeps sessions in the visitors' cookies")
	for path, words := range map[string][]string{
		"/": {"The gateway can serve visitors", "older than this console"}, "/persons": {"older than this console", "Search"}, "/persons/" + ming: {openID, "cannot be listed"},
		"/webhooks/crm": {letter, "older than this console"}, "/keys": {"older than this console", "Add a key"}, "/webhooks": {"crm"},
	} {
		page := d.get(path)
		for _, word := range words {
			if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), word) {
				t.Errorf("%s: %d, without %q in %s", path, page.Code, word, page.Body)
			}
		}
	}
	for _, path := range []string{"/pushes", "/bans"} {
		if page := d.get(path); page.Code != http.StatusNotImplemented || !strings.Contains(page.Body.String(), "The running gateway is older") {
			t.Errorf("%s: %d", path, page.Code)
		}
	}
	if answer := d.post("/persons", "by", "openid", "for", openID); answer.Code != http.StatusSeeOther {
		t.Errorf("a search by openid: %d", answer.Code)
	}
	if changes := d.gateway.changes(); !slices.Equal(changes, nil) {
		t.Errorf("%v", changes)
	}
}

// One examination runs at a time.
func TestOneExaminationAtATime(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	d := newDesk(t)
	d.console = newConsole(t, d.gateway, begun, finish)
	d.enter(d.console.Address())
	first := d.request(http.MethodPost, d.base+"/doctor", map[string][]string{"csrf": {d.csrf}})
	done := make(chan int)
	go func() {
		answer := httptest.NewRecorder()
		d.console.ServeHTTP(answer, first)
		done <- answer.Code
	}()
	<-begun
	if page := d.post("/doctor"); page.Code != http.StatusConflict || !strings.Contains(page.Body.String(), "One examination runs at a time") {
		t.Errorf("the second: %d %s", page.Code, page.Body)
	}
	close(finish)
	if code := <-done; code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
}
