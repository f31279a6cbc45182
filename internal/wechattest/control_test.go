package wechattest

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
)

// press sends a form of the control page.
func press(s *Server, action string, fields ...string) *http.Response {
	form := url.Values{"pressed": {"1"}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return send(s, http.MethodPost, actionPath+action, form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}})
}

func TestControlPage(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	s.SetConsent("bob", shop, true)
	exchange(t, s, code(t, s, "alice", scopeBase))
	set(t, s, Quirks{Busy: Knob{On: true, Endpoint: AtRefresh, Next: 3}})
	r := get(s, "/")
	page := text(t, r)
	for _, want := range []string{
		"爱丽丝", "Bob", s.OpenID("alice", shop), s.OpenID("bob", blog), s.UnionID("bob", shop), "撤回授权", "这部手机", shop,
		"/sns/oauth2/access_token 0", "还有 3 次", "快照页", `name="viewport"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s on the page", want)
		}
	}
	for _, c := range controls {
		if !strings.Contains(page, `name="name" value="`+c.name+`"`) {
			t.Errorf("no %s on the page", c.name)
		}
	}
	for _, secret := range s.Issued() {
		if strings.Contains(page, secret) {
			t.Error("a secret is on the page")
		}
	}
	if strings.Contains(page, "<script") || r.Header.Get("Content-Security-Policy") == "" {
		t.Error("a script, or no policy")
	}
	if r := send(s, http.MethodPost, "/", "a=b", nil); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %s", r.Status)
	}
}

// What is on stands at the top of the page, with a link to its row, and so does
// who holds the phone.
func TestControlPageAtAGlance(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	top := func() string {
		before, _, ok := strings.Cut(text(t, get(s, "/")), "<main")
		if !ok {
			t.Fatal("the page has no <main>")
		}
		return before
	}
	if page := top(); !strings.Contains(page, "没有故障") || strings.Contains(page, "#quirk-") || strings.Contains(page, "全部关闭") || !strings.Contains(page, "爱丽丝") {
		t.Errorf("nothing is on, and the page says\n%s", page)
	}
	set(t, s, Quirks{
		Busy: Knob{On: true, Endpoint: AtRefresh, Next: 3}, HTTPStatus: Number{Value: 502}, Snapshot: true, QuotaPerMinute: 7,
		ReplayWithoutCookies: Replay{On: true, Delay: time.Second},
	})
	press(s, "snapshot", "person", "bob", "to", "on")
	press(s, "push", "account", shop, "url", "http://127.0.0.1:1/", "token", pushToken, "mode", "safe", "aes_key", pushKey)
	page := top()
	for _, want := range []string{
		`href="#quirk-Busy"`, "refresh · 还有 3 次", `href="#quirk-HTTPStatus"`, "· 502", `href="#quirk-Snapshot"`, `href="#quirk-QuotaPerMinute"`, "· 7",
		`href="#quirk-ReplayWithoutCookies"`, "Bob：快照页", "安全", "全部关闭",
		`登录 <b>2</b>`, `接口 <b>3</b>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if got := strings.Count(page, `href="#quirk-`); got != 5 || strings.Contains(page, "没有故障") {
		t.Errorf("%d quirks are said to be on, want 5", got)
	}
}

// The control page speaks both languages about every quirk.
func TestQuirksHaveWords(t *testing.T) {
	t.Parallel()
	page := text(t, get(newSim(t), "/"))
	names := []string{"QuotaPerMinute", "ReplayWithoutCookies"}
	for _, c := range controls {
		names = append(names, c.name)
	}
	if len(knobWords) != len(names) {
		t.Errorf("%d words for %d quirks", len(knobWords), len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := knobWords[name]
			if w.English == "" || !bilingual(w) || !strings.Contains(page, html.EscapeString(w.Chinese)) || !strings.Contains(page, html.EscapeString(w.English)) || !strings.Contains(page, `id="quirk-`+name+`"`) {
				t.Errorf("the page does not have %+v", w)
			}
		})
	}
}

// Every page that is not the control page speaks both languages, too.
func TestNoticesSpeakBothLanguages(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for code, w := range authorizeErrors {
		if !bilingual(w) {
			t.Errorf("error %d says %+v", code, w)
		}
	}
	for _, n := range []notice{notInWeChat, accountClosed, noPerson, pageOver, codeOver, youRefused, phoneAllowed, phoneRefused} {
		if !bilingual(n.title) || !bilingual(n.detail) {
			t.Errorf("a notice says %+v", n)
		}
		w := httptest.NewRecorder()
		s.notice(w, n)
		for _, want := range []string{n.title.Chinese, n.title.English, n.detail.Chinese, n.detail.English} {
			if !strings.Contains(w.Body.String(), html.EscapeString(want)) {
				t.Errorf("no %q in\n%s", want, w.Body)
			}
		}
	}
	for name, path := range map[string]string{"too long": authorizePath + "?appid=" + strings.Repeat("a", maxQuery), "order": authorizePath + "?scope=a&appid=b", "no app id": authorizePath} {
		if page := text(t, get(s, path)); !strings.Contains(page, "无法打开页面") || !strings.Contains(page, "This page cannot be opened") {
			t.Errorf("%s: %s", name, page)
		}
	}
}

// bilingual tells whether both languages are there: Chinese letters, and none
// in English but for WeChat's own words.
func bilingual(w words) bool {
	han := func(r rune) bool { return unicode.Is(unicode.Han, r) }
	english := strings.ReplaceAll(w.English, "微信用户", "")
	return strings.ContainsFunc(w.Chinese, func(r rune) bool { return han(r) || unicode.IsLetter(r) }) && english != "" && !strings.ContainsFunc(english, han)
}

func TestActions(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	alice := func() Person { p, _ := s.roster.person("alice"); return p }
	for _, c := range []struct {
		name   string
		fields []string
		check  func() bool
	}{
		{"default", []string{"person", "bob"}, func() bool { return s.roster.phone == "bob" }},
		{"follow", []string{"person", "alice", "account", shop, "to", "on"}, func() bool { return len(alice().Follows) == 1 }},
		{"follow", []string{"person", "alice", "account", shop, "to", "off"}, func() bool { return len(alice().Follows) == 0 }},
		{"consent", []string{"person", "alice", "account", shop, "to", "on"}, func() bool { return s.Consented("alice", shop) }},
		{"consent", []string{"person", "alice", "account", shop, "to", "off"}, func() bool { return !s.Consented("alice", shop) }},
		{"snapshot", []string{"person", "alice", "to", "on"}, func() bool { return alice().InSnapshot && !s.hasLeft("alice") }},
		{"snapshot", []string{"person", "alice", "to", "off"}, func() bool { return !alice().InSnapshot && s.hasLeft("alice") }},
		{"snapshot", []string{"person", "alice", "to", "on"}, func() bool { return alice().InSnapshot && !s.hasLeft("alice") }},
		{"nickname", []string{"person", "alice", "nickname", "新名字"}, func() bool { return alice().Nickname == "新名字" }},
		{"person", []string{"nickname", "小李"}, func() bool { return len(s.Persons()) == 3 && s.Persons()[2].Nickname == "小李" }},
		{"quirk", []string{"name", "Busy", "to", "on", "at", AtToken, "next", "3"}, func() bool { return s.Quirks().Busy == Knob{true, AtToken, 3} }},
		{"quirk", []string{"name", "Busy", "to", "off"}, func() bool { return !s.Quirks().Busy.On }},
		{"quirk", []string{"name", "HTTPStatus", "to", "on", "value", "502", "next", ""}, func() bool { return s.Quirks().HTTPStatus.Value == 502 }},
		{"quirk", []string{"name", "HTTPStatus", "to", "off", "value", "502"}, func() bool { return s.Quirks().HTTPStatus.Value == 0 }},
		{"quirk", []string{"name", "Snapshot", "to", "on"}, func() bool { return s.Quirks().Snapshot }},
		{"quota", []string{"value", "7"}, func() bool { return s.Quirks().QuotaPerMinute == 7 }},
		{"replay", []string{"to", "on", "seconds", "9"}, func() bool { return s.Quirks().ReplayWithoutCookies == Replay{On: true, Delay: 9 * time.Second} }},
		{"reset", nil, func() bool { return s.Quirks() == Quirks{} }},
	} {
		r := press(s, c.name, c.fields...)
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" {
			t.Errorf("%s %v: %s %s", c.name, c.fields, r.Status, text(t, r))
		}
		if !c.check() {
			t.Errorf("%s %v did nothing", c.name, c.fields)
		}
	}
	cookies := press(s, "phone", "person", "bob").Cookies()
	if len(cookies) != 1 || cookies[0].Value != "bob" || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" {
		t.Errorf("%v", cookies)
	}
	if cookies := press(s, "phone", "person", "nobody").Cookies(); len(cookies) != 0 {
		t.Errorf("%v", cookies)
	}
	if added := s.Persons()[2]; !strings.HasPrefix(text(t, get(s, added.AvatarURL)), "<svg") {
		t.Error("a new person has no avatar")
	}
}

func TestActionsRefuse(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for _, c := range []struct {
		name   string
		fields []string
		want   int
	}{
		{"nothing", nil, http.StatusNotFound},
		{"follow", []string{"person", "nobody", "account", shop}, http.StatusBadRequest},
		{"snapshot", []string{"person", "nobody", "to", "on"}, http.StatusBadRequest},
		{"snapshot", []string{"person", "nobody"}, http.StatusBadRequest},
		{"nickname", []string{"person", "nobody"}, http.StatusBadRequest},
		{"person", []string{"nickname", strings.Repeat("x", 300)}, http.StatusBadRequest},
		{"person", []string{"nickname", strings.Repeat("x", 30_000)}, http.StatusBadRequest},
		{"quirk", []string{"name", "Nothing", "to", "on"}, http.StatusBadRequest},
		{"quirk", []string{"name", "Busy", "to", "on", "next", "x"}, http.StatusBadRequest},
		{"quirk", []string{"name", "Busy", "to", "on", "next", "-1"}, http.StatusBadRequest},
		{"quirk", []string{"name", "HTTPStatus", "to", "on", "value", "x"}, http.StatusBadRequest},
		{"quirk", []string{"name", "HTTPStatus", "to", "on", "value", "7"}, http.StatusBadRequest},
		{"quirk", []string{"name", "Busy", "to", "on", "at", "mars"}, http.StatusBadRequest},
		{"quota", []string{"value", "-1"}, http.StatusBadRequest},
		{"quota", []string{"value", "99999999999999999999"}, http.StatusBadRequest},
		{"replay", []string{"to", "on", "seconds", "-1"}, http.StatusBadRequest},
		{"replay", []string{"to", "on", "seconds", "9223372036854775807"}, http.StatusBadRequest},
		{"replay", []string{"to", "on", "seconds", "x"}, http.StatusBadRequest},
	} {
		if r := press(s, c.name, c.fields...); r.StatusCode != c.want {
			t.Errorf("%s %.80v: %s", c.name, c.fields, r.Status)
		}
	}
	if s.Quirks() != (Quirks{}) || len(s.Persons()) != 2 {
		t.Error("something was changed")
	}
	if r := get(s, actionPath+"reset"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET of a form: %s", r.Status)
	}
}

// Other sites cannot press the buttons (CSRF).
func TestActionsAcrossSites(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	for _, c := range []struct {
		header http.Header
		ok     bool
	}{
		{http.Header{"Sec-Fetch-Site": {"same-origin"}}, true},
		{http.Header{"Origin": {"http://127.0.0.1:9801"}}, true},
		{http.Header{}, true}, // not a browser
		{http.Header{"Sec-Fetch-Site": {"cross-site"}}, false},
		{http.Header{"Sec-Fetch-Site": {"same-site"}}, false},
		{http.Header{"Origin": {"http://127.0.0.1:8080"}}, false},
		{http.Header{"Origin": {"https://evil.example"}}, false},
		{http.Header{"Origin": {"null"}}, false},
	} {
		r := send(s, http.MethodPost, actionPath+"default", "person=bob", c.header)
		if got := r.StatusCode == http.StatusSeeOther; got != c.ok {
			t.Errorf("%v: %s", c.header, r.Status)
		}
	}
}

// A name that somebody points at loopback shows nothing (DNS rebinding).
func TestControlHost(t *testing.T) {
	t.Parallel()
	named := New(Config{ControlHosts: []string{"sim.internal"}})
	defer named.Close()
	public := New(Config{ControlHosts: []string{"*"}})
	defer public.Close()
	local := newSim(t)
	for _, c := range []struct {
		s    *Server
		host string
		ok   bool
	}{
		{local, "127.0.0.1:9801", true},
		{local, "127.9.9.9", true},
		{local, "localhost", true},
		{local, "LOCALHOST:9801", true},
		{local, "wechat.localhost:9801", true},
		{local, "[::1]:9801", true},
		{local, "[::1]", true},
		{local, "[::ffff:127.0.0.1]:9801", true},
		{local, "evil.example:9801", false},
		{local, "127.0.0.1.evil.example", false},
		{local, "localhost.evil.example", false},
		{local, "evillocalhost", false},
		{local, "10.0.0.1:9801", false},
		{local, "0.0.0.0:9801", false},
		{local, "", false},
		{named, "sim.internal:9801", true},
		{named, "10.0.0.1:9801", false},
		{public, "10.0.0.1:9801", true},
		{public, "[2001:db8::1]:9801", true},
		{public, "evil.example:9801", false},
	} {
		if got := c.s.controlHost(c.host); got != c.ok {
			t.Errorf("%q: %t", c.host, got)
		}
	}
	for _, path := range []string{"/", actionPath + "reset"} {
		r, err := http.NewRequest(http.MethodPost, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example:9801"
		w := httptest.NewRecorder()
		local.ServeHTTP(w, r)
		if w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
