package command

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPersons(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0), line(1)))
	found := r.do("persons", "find", "--openid", "oaaab", "--app-id", "wx1234567890abcdef")
	if !strings.HasPrefix(found, "PERSON\t") || !strings.Contains(found, "\n"+personID(1)+"\twx1234567890abcdef\t") || strings.Count(found, "\n") != 2 {
		t.Errorf("found\n%s", found)
	}
	if again := r.do("persons", "find", "--openid", "oaaab"); again != found {
		t.Errorf("without the app id of the only account, found\n%s", again)
	}
	r.fails("there is no such person", "persons", "find", "--unionid", "nobody")
	r.fails("there is no such person", "persons", "find", "--openid", "nobody")

	shown := r.do("persons", "show", personID(1))
	for _, want := range []string{`person\s+` + personID(1), `nickname\s+"小明\\u202e"`, `unionid\s+none`, `openid\s+oaaab`, `consent\s+20`} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("no %s in\n%s", want, shown)
		}
	}
	var exported struct{ ID, Nickname string }
	if err := json.Unmarshal([]byte(r.do("persons", "export", personID(1))), &exported); err != nil || exported.ID != personID(1) || exported.Nickname != "小明\u202e" {
		t.Errorf("exported %+v, %v", exported, err)
	}
	r.fails("add --yes", "persons", "erase", personID(1))
	if out := r.do("persons", "erase", personID(1), "--yes"); out != "The person is erased.\n" {
		t.Errorf("printed %q", out)
	}
	for _, args := range [][]string{{"persons", "erase", personID(1), "--yes"}, {"persons", "show", personID(1)}, {"persons", "export", personID(1)}, {"sessions", "end", personID(1)}} {
		r.fails("there is no such person", args...)
	}
	r.do("persons", "show", personID(0))
	r.fails("give --openid, --unionid or --nickname", "persons", "find", "oaaab")
	r.fails("persons find --openid finds it", "persons", "show", "oaaab")
}

// With several accounts an openid needs the app id of its own: the answer names
// them.
func TestFindWithSeveralAccounts(t *testing.T) {
	r := startWith(t, `"mini_programs":[{"app_id":"wxfedcba0987654321","app_secret":"{env.SECRET}"}],`)
	r.do("ledger", "import", file(t, header, line(1)))
	r.fails("an openid belongs to one account: add its app id, one of wx1234567890abcdef (default), wxfedcba0987654321 (mini_program)", "persons", "find", "--openid", "oaaab")
	if found := r.do("persons", "find", "--openid", "oaaab", "--app-id", "wx1234567890abcdef"); !strings.Contains(found, personID(1)) {
		t.Errorf("found\n%s", found)
	}
}

func TestSessionsOfTheLocalStore(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0)))
	if out := r.do("sessions", "list", personID(0)); out != "The person has no session, or, with store local, none that the gateway has seen since it started.\n" {
		t.Errorf("printed %q", out)
	}
	r.fails("there is no such session", "sessions", "end", "--session", strings.Repeat("A", 19))
	r.fails("add --yes", "sessions", "end", "--everyone")
	if out := r.do("sessions", "end", "--everyone", "--yes"); out != "All sessions of everyone are ended.\n" {
		t.Errorf("printed %q", out)
	}
	if out := r.do("sessions", "end", personID(0)); out != "All sessions of the person are ended.\n" {
		t.Errorf("printed %q", out)
	}
}

// What a store that lists sessions answers.
func TestSessionsOfAStoreThatListsThem(t *testing.T) {
	t.Parallel()
	var asked []string
	list := `[{"id":"AAAAAAAAAAAAAAAAAAA","site":"https://shop.example.com","app_id":"wx1","scope":"snsapi_base","created":"2026-03-01T10:00:00Z","renewed":"2026-03-02T10:00:00Z","expires":"2026-03-09T10:00:00Z"}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI)
		switch {
		case r.Method == http.MethodGet && r.FormValue("person") == "nobody":
			fmt.Fprint(w, "[]")
		case r.Method == http.MethodGet && r.FormValue("person") == "here":
			fmt.Fprint(w, strings.Replace(list, `"id"`, `"seen_here":true,"id"`, 1))
		case r.Method == http.MethodGet:
			fmt.Fprint(w, list)
		case r.URL.Path == "/wechat/sessions":
			fmt.Fprint(w, `{"ended":3}`)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sessions", "list", "a&person=b"}, "AAAAAAAAAAAAAAAAAAA\thttps://shop.example.com\tsnsapi_base\t20"},
		{[]string{"sessions", "list", "here"}, "The store is local: these are the sessions that the gateway has seen"},
		{[]string{"sessions", "list", "nobody"}, "The person has no session, or"},
		{[]string{"sessions", "end", "p"}, "All sessions of the person are ended: 3.\n"},
		{[]string{"sessions", "end", "--session", "A/B?c"}, "The session is ended.\n"},
		{[]string{"sessions", "end", "p&q", "--session", "A"}, "The session is ended.\n"},
	} {
		out, _, err := wechat(t, strings.TrimPrefix(server.URL, "http://"), c.args...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: %q, %v; want %q", c.args, out, err, c.want)
		}
	}
	if got := strings.Join(asked, "\n"); got != "GET /wechat/sessions?person=a%26person%3Db\nGET /wechat/sessions?person=here\nGET /wechat/sessions?person=nobody\nDELETE /wechat/sessions?person=p\nDELETE /wechat/sessions/A%2FB%3Fc\nDELETE /wechat/sessions/A?person=p%26q" {
		t.Errorf("asked\n%s", got)
	}
}

// Wrong words are refused before anything is asked.
func TestCommandsRefuse(t *testing.T) {
	t.Parallel()
	r := &running{t, "127.0.0.1:1"}
	for _, c := range []struct{ want, args string }{
		{"give --openid, --unionid or --nickname", "persons find"},
		{"give --openid, --unionid or --nickname", "persons find --unionid= --openid="},
		{"give --openid, --unionid or --nickname", "persons find --openid o --app-id a --unionid u"},
		{"--app-id belongs to --openid", "persons find --app-id a"},
		{"--app-id belongs to --openid", "persons find --app-id a --unionid u"},
		{"give --openid, --unionid or --nickname", "persons find x"},
		{"give one id", "persons show"},
		{"give one id", "persons export a b"},
		{"give one id", "persons erase --yes"},
		{"give one id", "sessions list"},
		{"give a person's id", "sessions end"},
		{"give a person's id", "sessions end a b"},
		{"give either --everyone", "sessions end a --everyone --yes"},
		{"give either --everyone", "sessions end --session a --everyone --yes"},
		{"give one webhook", "webhooks dead"},
		{"give one webhook", "webhooks show"},
		{"give one webhook", "webhooks show crm a b"},
		{"give one webhook", "webhooks test"},
		{"give one webhook", "webhooks test crm a"},
		{"give one webhook", "webhooks purge"},
		{"give either a letter or --all", "webhooks purge crm --yes"},
		{"give either a letter or --all", "webhooks purge crm a --all --yes"},
		{"add --yes", "webhooks purge crm a"},
		{"add --yes", "webhooks purge crm --all"},
		{"give one webhook", "webhooks redeliver"},
		{"give one webhook", "webhooks redeliver crm a b"},
		{"give one file", "ledger import"},
		{"give one file", "ledger import x --from-line 0"},
		{"no such file", "ledger import /not/there"},
		{"is a directory", "ledger import /tmp"},
		{"asking the running server", "persons show p"},
		{"asking the running server", "ledger export"},
	} {
		r.fails(c.want, strings.Fields(c.args)...)
	}
	(&running{t, "127.0.0.1:1-9"}).fails("no address", "persons", "show", "p")
	(&running{t, "no/such:thing:x"}).fails("no address", "persons", "show", "p")
}

// The address of the endpoint is found in the configuration, and an endpoint
// may be a socket in the file system.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := filepath.Join(folder, "caddy.json")
	if err := os.WriteFile(config, []byte(`{"admin":{"listen":"127.0.0.1:1234"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := (&endpoint{config: config}).client(); err != nil || c.origin != "http://127.0.0.1:1234" {
		t.Errorf("%+v, %v", c, err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "127.0.0.1" || r.Header.Get("Origin") != "" {
			t.Errorf("Host %q, Origin %q", r.Host, r.Header.Get("Origin"))
		}
		http.Error(w, "not json", http.StatusBadGateway)
	}))
	socket := filepath.Join(folder, "s")
	listener, err := listenUnix(t, socket)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	_, _, err = wechat(t, "unix/"+socket+"|0220", "persons", "show", "p")
	if err == nil || err.Error() != "the server answered 502 Bad Gateway; is the gateway built into it?" {
		t.Errorf("error %v", err)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	if moment(time.Time{}) != "never" {
		t.Error("the zero time")
	}
}
