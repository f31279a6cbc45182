package gate_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// preserve sets what happens to forms.
func preserve(p site.PreservePost) func(*town) {
	return rules(func(r *site.Rules) { r.PreservePost = p })
}

// task is what the script of a page is told.
type task struct {
	Task, ID, Next string
	Life           int64
	Auto, Other    bool
	Visitor        string
	Record         struct {
		ID, Action, Page string
		Form             struct {
			Multipart bool
			Fields    [][3]string
		}
	}
}

// task reads the data of a page's script, the zero task for a page without.
func (h hop) task() (out task) {
	h.t.Helper()
	_, rest, ok := strings.Cut(h.body, `<script type="application/json" id="data">`)
	if !ok {
		return out
	}
	data, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(data), &out); err != nil {
		h.t.Fatalf("%s: the data of the script is %s: %v", h.url, data, err)
	}
	return out
}

// keeps posts a form and returns what the page that keeps it tells its script.
func (b *browser) keeps(address string, values url.Values, headers ...string) task {
	b.town.t.Helper()
	h := b.form(address, values, headers...)
	kept := h.task()
	if h.status != http.StatusUnauthorized || h.kind() != "sign_in_expired" || kept.Task != "keep" || !strings.HasPrefix(kept.Next, "/_wechat/resend/") {
		b.town.t.Fatalf("%s: the form is not kept: %d %q %+v", address, h.status, h.kind(), kept)
	}
	return kept
}

// ends ends all sessions of the browser's person, whose cookie stays.
func (b *browser) ends(person string) {
	b.town.t.Helper()
	if err := b.town.ledger.EndPerson(b.town.t.Context(), person, time.Now(), time.Now().Add(31*24*time.Hour)); err != nil {
		b.town.t.Fatal(err)
	}
}

// A form without a session is in the answer, whole; the address that its page
// goes to signs the visitor in, and sends the form with this id.
func TestFormIsKept(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	kept := b.keeps("/order.jsp?id=7&n=%D6%D0", url.Values{"a": {"1", "", "1"}, "b": {"x\r\ny"}}, "Referer", shop+"/form.jsp?id=7")
	want := [][3]string{{"a", "1", ""}, {"a", "", ""}, {"a", "1", ""}, {"b", "x\r\ny", ""}}
	if kept.Record.Action != "/order.jsp?id=7&n=%D6%D0" || kept.Record.Page != "/form.jsp?id=7" || kept.Record.Form.Multipart || !reflect.DeepEqual(kept.Record.Form.Fields, want) {
		t.Errorf("kept %+v", kept.Record)
	}
	v := b.open(kept.Next)
	got := v.last().task()
	if v.last().status != http.StatusOK || v.last().kind() != "resend" || len(v.scopes()) != 1 {
		t.Fatalf("%s", v)
	}
	if want := (task{Task: "send", ID: kept.Record.ID, Life: 600_000, Visitor: got.Visitor}); !reflect.DeepEqual(got, want) || got.ID == "" || got.Visitor == "" {
		t.Errorf("the script is told %+v, want %+v", got, want)
	}
	if h := v.last(); strings.Contains(h.body, "x\\r\\ny") || h.header.Get("Referrer-Policy") != "same-origin" || h.button() != "/_wechat/login?return_to=%2F" {
		t.Errorf("the page that sends: %v %s", h.header, h.body)
	}
	if h := b.form("/order.jsp", url.Values{"a": {"1"}}); h.upstream().Method != http.MethodPost {
		t.Errorf("in a session the form does not pass: %d", h.status)
	}
}

// What is no form of a page in its own window is answered as before.
func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		preserve site.PreservePost
		method   string
		headers  []string
		status   int
		kind     string
	}{
		"off":            {"", http.MethodPost, nil, 401, "sign_in_expired"},
		"a PUT":          {site.PreserveOn, http.MethodPut, nil, 401, "sign_in_expired"},
		"plain text":     {site.PreserveOn, http.MethodPost, []string{"Content-Type", "text/plain"}, 401, "sign_in_expired"},
		"no type":        {site.PreserveOn, http.MethodPost, []string{"Content-Type", ""}, 401, "sign_in_expired"},
		"compressed":     {site.PreserveOn, http.MethodPost, []string{"Content-Encoding", "gzip"}, 401, "sign_in_expired"},
		"in a frame":     {site.PreserveOn, http.MethodPost, []string{"Sec-Fetch-Dest", "iframe"}, 401, "sign_in_expired"},
		"a script":       {site.PreserveOn, http.MethodPost, []string{"Sec-Fetch-Mode", "cors"}, 401, ""},
		"XMLHttpRequest": {site.PreserveOn, http.MethodPost, []string{"Sec-Fetch-Mode", "", "X-Requested-With", "XMLHttpRequest"}, 401, ""},
		"outside, qr":    {site.PreserveOn, http.MethodPost, []string{"User-Agent", desktopUA}, 401, "sign_in_expired"},
		"with a token":   {site.PreserveOn, http.MethodPost, []string{"Authorization", "Bearer x"}, 401, "sign_in_expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, preserve(row.preserve))
			b := w.browser("alice")
			h := b.send(row.method, "/x", "a=1", append([]string{
				"Content-Type", "application/x-www-form-urlencoded", "Origin", shop, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate",
			}, row.headers...)...)
			if name == "with a token" { // not a token of ours: it stays, and the form is the browser's
				row.kind = h.kind()
			}
			if h.status != row.status || h.kind() != row.kind || name != "with a token" && h.task().Task != "" {
				t.Errorf("%d %q %+v, want %d %q and nothing kept", h.status, h.kind(), h.task(), row.status, row.kind)
			}
		})
	}
}

// A form that needs more consent is kept as well, and its person is known: with
// auto it is sent without a tap.
func TestFormAtAStepUp(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveAuto), func(w *town) { w.need["/account"] = wechat.ScopeUserInfo })
	b := w.browser("alice")
	b.open("/").last().upstream()
	kept := b.keeps("/account", url.Values{"a": {"1"}}, "Referer", shop+"/settings")
	asked := b.open(kept.Next).last()
	if asked.kind() != "consent" {
		t.Fatalf("%d %q, want the question", asked.status, asked.kind())
	}
	done := b.decide(b.open(asked.button()).last(), "allow").last()
	if got := done.task(); done.kind() != "resend" || got.ID != kept.Record.ID || !got.Auto || got.Other {
		t.Errorf("%q: the script is told %+v", done.kind(), got)
	}
	// Without scripts the page's button asks, too.
	w = newTown(t, scope(wechat.ScopeBase), func(w *town) { w.need["/account"] = wechat.ScopeUserInfo })
	b = w.browser("alice")
	b.open("/").last().upstream()
	h := b.form("/account", nil, "Referer", shop+"/settings")
	if want := "/_wechat/login?return_to=%2Fsettings&scope=snsapi_userinfo"; h.button() != want {
		t.Errorf("the button leads to %s, want %s", h.button(), want)
	}
}

// The person is known from a session that has ended, and from one that has
// expired, for a day. Where no forms are kept, the cookie ends with the session.
func TestFormerPersonIsTheSame(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, row := range map[string]struct {
		preserve site.PreservePost
		ends     bool
		sleep    time.Duration
		auto     bool
		other    bool // for another person than the first
	}{
		"on, ended":               {site.PreserveOn, true, time.Second, false, true},
		"auto, ended":             {site.PreserveAuto, true, time.Second, true, true},
		"auto, expired":           {site.PreserveAuto, false, session.DefaultIdle + time.Hour, true, true},
		"auto, expired long ago":  {site.PreserveAuto, false, session.DefaultIdle + 25*time.Hour, false, false},
		"on, expired":             {site.PreserveOn, false, session.DefaultIdle + time.Hour, false, true},
		"on, expired long ago":    {site.PreserveOn, false, session.DefaultIdle + 25*time.Hour, false, false},
		"auto, never signed in":   {site.PreserveAuto, false, 0, false, false},
		"auto, of another reload": {site.PreserveAuto, true, time.Minute, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(row.preserve), func(w *town) { w.inside = true })
				b := w.browser("alice")
				if row.sleep > 0 {
					person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
					time.Sleep(row.sleep)
					if row.ends {
						b.ends(person)
						time.Sleep(time.Second)
					}
				}
				if name == "auto, of another reload" {
					w.reload()
				}
				kept := b.keeps("/x", url.Values{"a": {"1"}})
				if got := b.open(kept.Next).last().task(); got.Task != "send" || got.Auto != row.auto || got.Other {
					t.Errorf("the script is told %+v", got)
				}
				b.drop("__Host-wechat")
				b.holds("bob")
				if got := b.open(kept.Next).last().task(); got.Task != "send" || got.Auto || got.Other != row.other {
					t.Errorf("for another person the script is told %+v, want other: %t", got, row.other)
				}
			})
		})
	}
}

// Where forms are kept, the cookie outlives its session by a day. It opens
// nothing then.
func TestCookieOfASessionThatHasExpired(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for p, left := range map[site.PreservePost]bool{site.PreserveOn: true, site.PreserveAuto: true, site.PreserveOff: false} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), preserve(p), func(w *town) { w.inside = true })
				b := w.browser("alice")
				b.open("/").last().upstream()
				time.Sleep(session.DefaultIdle + time.Hour)
				if got := b.session() != ""; got != left {
					t.Errorf("the browser has the cookie: %t, want %t", got, left)
				}
				if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
					t.Errorf("the session that has expired: %d, want 401", h.status)
				}
				if time.Sleep(24 * time.Hour); b.session() != "" {
					t.Error("the browser has the cookie after a day")
				}
			})
		})
	}
}

// The store does not answer: the page that sends the form waits, and tries
// again.
func TestResendWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	kept := b.keeps("/x", url.Values{"a": {"1"}})
	b.open(kept.Next)
	w.reload() // what it remembered is gone
	w.store.fail(session.ErrUnavailable)
	h := b.send(http.MethodGet, kept.Next, "")
	if want := "/_wechat/login?return_to=" + url.QueryEscape(kept.Next); h.status != http.StatusServiceUnavailable || h.button() != want {
		t.Errorf("%d, button %s, want 503 and %s", h.status, h.button(), want)
	}
	w.store.fail(nil)
	if got := b.open(h.button()).last().task(); got.ID != kept.Record.ID {
		t.Errorf("afterwards the script is told %+v", got)
	}
}

// A visitor of a snapshot cannot send anything.
func TestResendInASnapshot(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn), rules(snapshotGuest))
	b := w.browser("alice")
	kept := b.keeps("/x", url.Values{"a": {"1"}})
	w.weChat.answer(virtual)
	if v := b.open(kept.Next); v.last().kind() != "snapshot" || b.session() != "" {
		t.Errorf("%s, session %q", v, b.session())
	}
}

// The way through login, as pages of ours link to it, leads there, too.
func TestResendThroughLogin(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	kept := b.keeps("/x", url.Values{"a": {"1"}})
	v := b.open("/_wechat/login?return_to=" + url.QueryEscape(kept.Next))
	if got := v.last().task(); got.ID != kept.Record.ID || !strings.HasPrefix(v.last().url, shop+kept.Next) {
		t.Errorf("%s: the script is told %+v", v, got)
	}
}
