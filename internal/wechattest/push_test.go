package wechattest

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const pushToken = "T0ken4Pushes"

var pushKey = strings.Repeat("k3Y", 15)[:aesKeyLength]

// inbox is the server that an account pushes to. It checks every push as
// WeChat's documents say, and remembers it.
type inbox struct {
	t      testing.TB
	server *httptest.Server
	appID  string

	mu     sync.Mutex
	got    []delivery
	answer func(n int, w http.ResponseWriter) // nil is success
}

// delivery is what came.
type delivery struct {
	query      map[string]string
	body       string
	signed     bool // by signature, and msg_signature where it is encrypted
	clear      string
	sealedFor  bool // for our app id
	openID     string
	fields     map[string]string // of the message
	outerClear bool              // the message stands in the clear, too
}

func newInbox(t testing.TB, s *Server, appID string, mode PushMode, format PushFormat) *inbox {
	t.Helper()
	in := &inbox{t: t, appID: appID}
	in.server = httptest.NewServer(in)
	t.Cleanup(in.server.Close)
	in.settings(s, PushSettings{Token: pushToken, AESKey: pushKey, Mode: mode, Format: format})
	return in
}

func (in *inbox) settings(s *Server, p PushSettings) {
	in.t.Helper()
	p.URL = in.server.URL + "/_wechat/push/main"
	if err := s.SetPush(in.appID, p); err != nil {
		in.t.Fatal(err)
	}
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		in.t.Error(err)
	}
	if !r.Close {
		in.t.Error("the connection would be kept") // and outlive the simulator
	}
	d := delivery{query: map[string]string{}, body: string(body), openID: r.URL.Query().Get("openid")}
	for name := range r.URL.Query() {
		d.query[name] = r.URL.Query().Get(name)
	}
	d.signed = d.query["signature"] == signPush(pushToken, d.query["timestamp"], d.query["nonce"])
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, d.query["echostr"])
		return
	}
	outer := members(in.t, d.body)
	d.clear = d.body
	if d.query["encrypt_type"] == "aes" {
		d.signed = d.signed && d.query["msg_signature"] == signPush(pushToken, d.query["timestamp"], d.query["nonce"], outer["Encrypt"])
		_, d.outerClear = outer["MsgType"]
		clear, err := openPush(pushKey, in.appID, outer["Encrypt"])
		d.clear, d.sealedFor = string(clear), err == nil
	}
	if d.clear != "" {
		d.fields = members(in.t, d.clear)
	}
	in.mu.Lock()
	in.got = append(in.got, d)
	n, answer := len(in.got), in.answer
	in.mu.Unlock()
	if answer == nil {
		_, _ = io.WriteString(w, "success")
		return
	}
	answer(n, w)
}

func (in *inbox) all() []delivery {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]delivery(nil), in.got...)
}

// last returns the only new push, or the last one of several.
func (in *inbox) last() delivery {
	in.t.Helper()
	all := in.all()
	if len(all) == 0 {
		in.t.Fatal("nothing was pushed")
	}
	return all[len(all)-1]
}

var trailingComma = regexp.MustCompile(`,\}$`)

// members reads a message; the oddities of JSON are repaired, spaces in keys
// stay.
func members(t testing.TB, body string) map[string]string {
	all := map[string]string{}
	if strings.HasPrefix(body, "{") {
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(trailingComma.ReplaceAllString(body, "}")))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Errorf("%s: %s", body, err)
		}
		for name, value := range v {
			switch value := value.(type) {
			case string:
				all[name] = value
			case json.Number:
				all[name] = value.String()
			}
		}
		return all
	}
	var v struct {
		Members []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(body), &v); err != nil {
		t.Errorf("%s: %s", body, err)
	}
	for _, m := range v.Members {
		all[m.XMLName.Local] = m.Text
	}
	return all
}

// answerFor writes a reply as a mode demands it.
func answerFor(t testing.TB, mode PushMode, message string) string {
	t.Helper()
	if mode != PushSafe {
		return message
	}
	sealed, err := SealPush(pushKey, shop, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return "<xml><Encrypt>" + sealed + "</Encrypt><MsgSignature>" + signPush(pushToken, "1", "2", sealed) + "</MsgSignature><TimeStamp>1</TimeStamp><Nonce>2</Nonce></xml>"
}

// What a bot may not answer in safe mode is tried three times, and the log says
// why.
func TestRefusedReplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, answer, why string }{
		{"in the clear", "<xml><Content>再见</Content></xml>", errClear.Error()},
		{"broken inside", answerFor(t, PushSafe, "<xml><Content>再见"), errBroken.Error()},
		{"an error page", "<html>oops</html>", errNoReply.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log safeBuffer
			s := New(Config{Accounts: newSim(t).Accounts(), Persons: newSim(t).Persons(), PushWait: time.Second, Log: &log})
			defer s.Close()
			in := newInbox(t, s, shop, PushSafe, PushXML)
			in.answer = func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, c.answer) }
			if reply, err := s.PushText("alice", shop, "你好"); reply != "" || err != nil {
				t.Errorf("reply %q, %v", reply, err)
			}
			p := s.Pushes()[0]
			if p.Accepted || len(p.Attempts) != 3 || !strings.Contains(log.String(), "accepted=false because "+c.why) {
				t.Errorf("%+v, log: %s", p, log.String())
			}
			if page := text(t, get(s, "/")); !strings.Contains(page, c.why) {
				t.Error("the control page does not say why")
			}
		})
	}
}

// Every mode and format, and both kinds of replies.
func TestPushModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []PushMode{PushPlain, PushCompat, PushSafe} {
		for _, format := range []PushFormat{PushXML, PushJSON} {
			t.Run(string(mode)+string(format), func(t *testing.T) {
				t.Parallel()
				s := newSim(t)
				in := newInbox(t, s, shop, mode, format)
				text := `你好 ]]> <b>"\` + "\n"
				reply, err := s.PushText("alice", shop, text)
				if err != nil || reply != "" {
					t.Errorf("reply %q, %v", reply, err)
				}
				d := in.last()
				if !d.signed || (d.query["encrypt_type"] == "aes") != (mode != PushPlain) || d.sealedFor != (mode != PushPlain) || d.outerClear != (mode == PushCompat) {
					t.Errorf("%+v", d)
				}
				alice := s.OpenID("alice", shop)
				if d.fields["FromUserName"] != alice || d.openID != alice || d.fields["Content"] != text || d.fields["MsgType"] != "text" ||
					d.fields["MsgId"] == "" || d.fields["CreateTime"] == "" || !strings.HasPrefix(d.fields["ToUserName"], "gh_") {
					t.Errorf("%+v", d.fields)
				}
				if mode == PushSafe && (strings.Contains(d.body, alice) || strings.Contains(d.body, "你好")) {
					t.Errorf("in the clear: %s", d.body)
				}
				if format == PushJSON && !strings.Contains(d.clear, `"CreateTime":1`) {
					t.Errorf("CreateTime is no number: %s", d.clear)
				}
				in.answer = func(_ int, w http.ResponseWriter) {
					_, _ = io.WriteString(w, answerFor(t, mode, "<xml><Content>再见</Content></xml>"))
				}
				if reply, err := s.PushText("alice", shop, "再来"); err != nil || reply != "<xml><Content>再见</Content></xml>" {
					t.Errorf("reply %q, %v", reply, err)
				}
			})
		}
	}
}

func TestCheckPush(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushSafe, PushXML)
	p, err := s.CheckPush(shop)
	if err != nil || !p.Accepted || p.What != "check" || len(p.Attempts) != 1 || len(p.Attempts[0].Answer) != 18 {
		t.Errorf("%+v, %v", p, err)
	}
	if len(in.all()) != 0 {
		t.Error("a check is no push")
	}
	for name, answer := range map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"as JSON": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `"`+r.FormValue("echostr")+`"`) },
		"a line":  func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.FormValue("echostr")+"\n") },
		"with 403": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.FormValue("echostr"), http.StatusForbidden)
		},
		"a redirection": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, in.server.URL+"?"+r.URL.RawQuery, http.StatusFound)
		},
	} {
		other := httptest.NewServer(answer)
		if err := s.SetPush(shop, PushSettings{URL: other.URL, Token: pushToken}); err != nil {
			t.Fatal(err)
		}
		if p, err := s.CheckPush(shop); err != nil || p.Accepted || !p.Done {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		other.Close()
	}
}
