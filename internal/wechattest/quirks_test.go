package wechattest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	on := Knob{On: true}
	for _, c := range []struct {
		name    string
		q       Quirks
		status  int
		body    string // part of it
		errcode int    // as logged
		spends  bool
	}{
		{"Busy", Quirks{Busy: on}, 200, `{"errcode":-1,"errmsg":"system error, rid: `, -1, false},
		{"Busy", Quirks{Busy: on, Late: true}, 200, `{"errcode":-1,`, -1, true},
		{"TooFrequent", Quirks{TooFrequent: on}, 200, `{"errcode":45011,`, 45011, false},
		{"WrongErrcode", Quirks{WrongErrcode: Number{Value: 40226}}, 200, `{"errcode":40226,"errmsg":"code blocked, rid: `, 40226, false},
		{"WrongErrcode", Quirks{WrongErrcode: Number{Value: 99999}}, 200, `{"errcode":99999,"errmsg":"unknown error, rid: `, 99999, false},
		{"HTTPStatus", Quirks{HTTPStatus: Number{Value: 502}}, 502, "<h1>502 Bad Gateway</h1>", 0, false},
		{"HTTPStatus", Quirks{HTTPStatus: Number{Value: 500}, Late: true}, 500, "<h1>500 ", 0, true},
		{"HTMLBody", Quirks{HTMLBody: on}, 200, "<h1>200 OK</h1>", 0, false},
		{"TruncatedJSON", Quirks{TruncatedJSON: on}, 200, `{"access_token":"93_`, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSim(t)
			code := code(t, s, "alice", scopeBase)
			set(t, s, c.q)
			r := get(s, tokenPath(shop, shopSecret, code))
			body := text(t, r)
			if r.StatusCode != c.status || !strings.Contains(body, c.body) || c.name == "TruncatedJSON" && json.Valid([]byte(body)) {
				t.Errorf("answered %s: %s", r.Status, body)
			}
			if calls := s.Calls(); len(calls) != 1 || calls[0].Fault != c.name || calls[0].Errcode != c.errcode {
				t.Errorf("logged %+v", calls)
			}
			set(t, s, Quirks{})
			if v := exchange(t, s, code); c.spends != (v.Errcode == 40163) {
				t.Errorf("the same code afterwards: %+v", v)
			}
		})
	}
}

func TestQuirkLimits(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	set(t, s, Quirks{
		Busy:         Knob{On: true, Endpoint: AtToken, Next: 2},
		WrongErrcode: Number{Value: 40001, Endpoint: AtUserInfo, Next: 1},
	})
	c := code(t, s, "alice", scopeUserInfo)
	if got := s.Quirks().Busy.Next; got != 2 {
		t.Fatalf("counted before any call: %d", got)
	}
	for i, want := range []int{-1, -1, 0} {
		v := exchange(t, s, c)
		if v.Errcode != want {
			t.Fatalf("exchange %d: %+v", i, v)
		}
		if i < 2 {
			continue
		}
		if info := call(t, s, userInfoPath(v)); info.Errcode != 40001 {
			t.Errorf("the first userinfo: %+v", info)
		}
		if info := call(t, s, userInfoPath(v)); info.Errcode != 0 {
			t.Errorf("the second userinfo: %+v", info)
		}
	}
	if q := s.Quirks(); q != (Quirks{Busy: Knob{Endpoint: AtToken}, WrongErrcode: Number{Endpoint: AtUserInfo}}) {
		t.Errorf("left over: %+v", q)
	}
}

func TestSetQuirksRefuses(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	good := Quirks{Busy: Knob{On: true, Endpoint: AtAuthorize}}
	set(t, s, good)
	for _, q := range []Quirks{
		{Busy: Knob{On: true, Endpoint: "tokens"}},
		{HTMLBody: Knob{On: true, Endpoint: AtAuthorize}},
		{OldRefusal: Knob{On: true, Endpoint: AtToken}},
		{NicknameControlBytes: Knob{On: true, Endpoint: AtToken}},
		{Busy: Knob{On: true, Next: -1}},
		{HTTPStatus: Number{Value: 99}},
		{HTTPStatus: Number{Value: 600}},
		{QuotaPerMinute: -1},
		{ReplayWithoutCookies: Replay{On: true, Delay: -1}},
		{ReplayWithoutCookies: Replay{On: true, Delay: 2 * time.Hour}},
		{ReplayWithoutCookies: Replay{On: true, Next: -1}},
	} {
		if err := s.SetQuirks(q); !errors.Is(err, ErrBadQuirk) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if s.Quirks() != good {
		t.Error("a refused change changed something")
	}
}

// Every knob is in the table, so that it is checked and on the control page.
func TestControlsAreComplete(t *testing.T) {
	t.Parallel()
	own := map[string]bool{"QuotaPerMinute": true, "ReplayWithoutCookies": true}
	for _, c := range controls {
		own[c.name] = true
		var q Quirks
		switch {
		case c.knob != nil:
			c.knob(&q).On = true
		case c.number != nil:
			c.number(&q).Value = 1
		default:
			*c.flag(&q) = true
		}
		if reflect.ValueOf(q).FieldByName(c.name).IsZero() {
			t.Errorf("%s switches something else on", c.name)
		}
	}
	quirks := reflect.TypeFor[Quirks]()
	for i := range quirks.NumField() {
		if !own[quirks.Field(i).Name] {
			t.Errorf("%s is not in the table", quirks.Field(i).Name)
		}
	}
	if len(own) != quirks.NumField() {
		t.Errorf("%d controls for %d quirks", len(own), quirks.NumField())
	}
}

func TestStyles(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	v := exchange(t, s, code(t, s, "alice", scopeUserInfo))
	set(t, s, Quirks{NumbersAsStrings: Knob{On: true}})
	for path, want := range map[string]string{
		userInfoPath(v): `"sex":"0"`,
		tokenPath(shop, shopSecret, code(t, s, "bob", scopeBase)): `"expires_in":"7200"`,
		"/sns/oauth2/access_token":                                `"errcode":"41002"`,
	} {
		if body := text(t, get(s, path)); !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	set(t, s, Quirks{NicknameControlBytes: Knob{On: true, Next: 1}})
	exchange(t, s, code(t, s, "bob", scopeBase)) // does not count
	body := text(t, get(s, userInfoPath(v)))
	if !strings.Contains(body, "\"nickname\":\"爱丽丝\x07\x14\xff\",") || utf8.ValidString(body) || json.Valid([]byte(body)) {
		t.Errorf("%q", body)
	}
	if v := call(t, s, userInfoPath(v)); v.Nickname != "爱丽丝" {
		t.Errorf("the next one: %+v", v)
	}
	set(t, s, Quirks{OldErrmsg: Knob{On: true}})
	if v := call(t, s, "/sns/oauth2/access_token"); !strings.HasPrefix(v.Errmsg, "appid missing, hints: [ req_id: ") || !strings.HasSuffix(v.Errmsg, " ]") {
		t.Errorf("%q", v.Errmsg)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		set(t, s, Quirks{QuotaPerMinute: 2})
		last := ""
		for i, want := range []int{0, 0, 45011} {
			last = code(t, s, "alice", scopeBase)
			if v := exchange(t, s, last); v.Errcode != want {
				t.Errorf("call %d: %+v", i, v)
			}
		}
		// Others have their own: another account, another endpoint.
		if v := call(t, s, tokenPath(blog, blogSecret, s.IssueCode("bob", blog, scopeBase))); v.Errcode != 0 {
			t.Errorf("another account: %+v", v)
		}
		time.Sleep(time.Minute)
		v := exchange(t, s, last)
		if v.Errcode != 0 {
			t.Errorf("a minute later: %+v; the quota spent the code", v)
		}
		set(t, s, Quirks{QuotaPerMinute: 1})
		for i, want := range []int{0, 45011} {
			if v := call(t, s, "/sns/auth?access_token="+v.AccessToken+"&openid="+v.OpenID); v.Errcode != want {
				t.Errorf("auth %d: %+v", i, v)
			}
		}
	})
}

// Faults that need a connection.
func TestHangAndCut(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	front := httptest.NewServer(s)
	defer front.Close()
	transport := &http.Transport{DisableKeepAlives: true}
	fetch := func(ctx context.Context, path string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, front.URL+path, nil)
		if err != nil {
			return err
		}
		r, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(request)
		if err == nil {
			_ = r.Body.Close()
		}
		return err
	}
	c := code(t, s, "alice", scopeBase)
	set(t, s, Quirks{Hang: Knob{On: true, Next: 1}})
	// The client leaves when the call has arrived, not before: else the next
	// one hangs.
	hung, leave := context.WithCancel(t.Context())
	defer leave()
	before := s.CountCalls("token")
	go func() {
		for s.CountCalls("token") == before && hung.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		leave()
	}()
	if err := fetch(hung, tokenPath(shop, shopSecret, c)); !errors.Is(err, context.Canceled) {
		t.Errorf("hang: %v", err)
	}
	if v := exchange(t, s, c); v.Errcode != 0 {
		t.Errorf("after a hang: %+v", v)
	}
	c = code(t, s, "alice", scopeBase)
	set(t, s, Quirks{CutConnection: Knob{On: true, Next: 1}})
	if err := fetch(t.Context(), tokenPath(shop, shopSecret, c)); !errors.Is(err, io.EOF) {
		t.Errorf("cut: %v", err)
	}
	if v := exchange(t, s, c); v.Errcode != 40163 {
		t.Errorf("after a cut: %+v", v)
	}
	// Close ends what hangs, with a cut.
	set(t, s, Quirks{Hang: Knob{On: true, Next: 1, Endpoint: AtAuthorize}})
	done := make(chan error, 1)
	go func() { done <- fetch(t.Context(), authorizePath) }()
	for s.Quirks().Hang.On {
		time.Sleep(time.Millisecond)
	}
	s.Close()
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("Close: %v", err)
	}
}

// Over HTTP/2 a stream is reset.
func TestCutOverHTTP2(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	front := httptest.NewUnstartedServer(s)
	front.EnableHTTP2 = true
	front.StartTLS()
	defer front.Close()
	set(t, s, Quirks{CutConnection: Knob{On: true}})
	r, err := front.Client().Get(front.URL + "/sns/auth")
	if err == nil {
		_ = r.Body.Close()
		t.Errorf("answered %s", r.Status)
	}
	front.Client().CloseIdleConnections()
}
