package wechattest

import (
	"encoding/json"
	"errors"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// qrReply is the answer of qrcode/create.
type qrReply struct {
	Errcode       int    `json:"errcode"`
	Ticket        string `json:"ticket"`
	ExpireSeconds *int   `json:"expire_seconds"`
	URL           string `json:"url"`
}

func askQR(t testing.TB, s *Server, token, body string) (v qrReply) {
	t.Helper()
	r := send(s, http.MethodPost, "/cgi-bin/qrcode/create?access_token="+token, body, http.Header{"Content-Type": {"application/json"}})
	if err := json.Unmarshal([]byte(text(t, r)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const temporaryCode = `{"expire_seconds":3600,"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"door"}}}`

// A code is made for the account, can be drawn, and ends.
func TestQRCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newPlatform(t)
		token := stable(t, s, shop, shopSecret, false).AccessToken
		v := askQR(t, s, token, temporaryCode)
		if v.Errcode != 0 || v.Ticket == "" || v.ExpireSeconds == nil || *v.ExpireSeconds != 3600 || !strings.HasPrefix(v.URL, "http://weixin.qq.com/q/") {
			t.Fatalf("%+v", v)
		}
		picture := get(s, "/cgi-bin/showqrcode?ticket="+url.QueryEscape(v.Ticket))
		if picture.StatusCode != http.StatusOK || picture.Header.Get("Content-Type") != "image/png" {
			t.Errorf("%d %s", picture.StatusCode, picture.Header.Get("Content-Type"))
		}
		if _, err := png.Decode(picture.Body); err != nil {
			t.Error(err)
		}
		if v := askQR(t, s, token, `{"action_name":"QR_LIMIT_SCENE","action_info":{"scene":{"scene_id":123}}}`); v.Errcode != 0 || v.ExpireSeconds != nil {
			t.Errorf("a permanent one: %+v", v)
		}
		if got := s.FollowAddresses(shop); len(got) != 2 || got[0] != v.URL || len(s.FollowAddresses(blog)) != 0 {
			t.Errorf("the codes are %v", got)
		}
		time.Sleep(time.Hour + time.Second)
		if r := get(s, "/cgi-bin/showqrcode?ticket="+url.QueryEscape(v.Ticket)); r.StatusCode != http.StatusNotFound {
			t.Errorf("after its end: %d", r.StatusCode)
		}
		if _, err := s.ScanToFollow("alice", v.URL); !errors.Is(err, ErrUnknown) {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestQRCodeMistakes(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	token, miniToken := stable(t, s, shop, shopSecret, false).AccessToken, stable(t, s, mini, miniSecret, false).AccessToken
	for name, c := range map[string]struct {
		token, body string
		want        int
	}{
		"no token":        {"", temporaryCode, 41001},
		"a mini program":  {miniToken, temporaryCode, 48001},
		"no JSON":         {token, "action_name=QR_SCENE", 47001},
		"unknown action":  {token, `{"action_name":"QR","action_info":{"scene":{"scene_str":"door"}}}`, 40053},
		"no scene":        {token, `{"action_name":"QR_STR_SCENE"}`, 40053},
		"a long scene":    {token, `{"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"` + strings.Repeat("d", 65) + `"}}}`, 40053},
		"a large number":  {token, `{"action_name":"QR_LIMIT_SCENE","action_info":{"scene":{"scene_id":100001}}}`, 40053},
		"too long a life": {token, `{"expire_seconds":2592001,"action_name":"QR_SCENE","action_info":{"scene":{"scene_id":1}}}`, 40097},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if v := askQR(t, s, c.token, c.body); v.Errcode != c.want || v.URL != "" {
				t.Errorf("%+v, want %d", v, c.want)
			}
		})
	}
}

// Who scans a code follows the account; who follows already only scans it.
func TestScanToFollow(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushPlain, PushXML)
	v := askQR(t, s, stable(t, s, shop, shopSecret, false).AccessToken, temporaryCode)
	for _, want := range [][2]string{{"subscribe", "qrscene_door"}, {"SCAN", "door"}} {
		if p, err := s.ScanToFollow("alice", v.URL); err != nil || !p.Accepted {
			t.Fatalf("%+v, %v", p, err)
		}
		alice, _ := s.roster.person("alice")
		if d := in.last(); d.fields["Event"] != want[0] || d.fields["EventKey"] != want[1] || !slices.Contains(alice.Follows, shop) {
			t.Errorf("%+v, want %v", d.fields, want)
		}
	}
	for _, c := range [][2]string{{"nobody", v.URL}, {"alice", "http://weixin.qq.com/q/other"}} {
		if _, err := s.ScanToFollow(c[0], c[1]); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", c, err)
		}
	}
}
