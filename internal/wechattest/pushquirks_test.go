package wechattest

import (
	"errors"
	"strings"
	"testing"
)

// Each oddity of the field is in the push, and signed as it should be.
func TestPushQuirks(t *testing.T) {
	t.Parallel()
	once := Knob{On: true, Next: 1}
	for _, c := range []struct {
		name   string
		q      Quirks
		mode   PushMode
		format PushFormat
		check  func(d delivery, s *Server) bool
	}{
		{"PushBadSignature", Quirks{PushBadSignature: once}, PushPlain, PushXML, func(d delivery, _ *Server) bool {
			return !d.signed && len(d.query["signature"]) == 40
		}},
		{"PushBadSignature", Quirks{PushBadSignature: once}, PushSafe, PushXML, func(d delivery, _ *Server) bool {
			return !d.signed && d.sealedFor && len(d.query["msg_signature"]) == 40
		}},
		{"PushWrongAppID", Quirks{PushWrongAppID: once}, PushSafe, PushXML, func(d delivery, _ *Server) bool {
			return d.signed && !d.sealedFor
		}},
		{"PushOddJSON", Quirks{PushOddJSON: once}, PushPlain, PushJSON, func(d delivery, s *Server) bool {
			return d.signed && strings.Contains(d.body, `," OpenID":"`) && strings.HasSuffix(d.body, `," RevokeInfo":"205",}`) &&
				d.fields[" OpenID"] == s.OpenID("alice", shop)
		}},
		{"PushOddJSON", Quirks{PushOddJSON: once}, PushSafe, PushJSON, func(d delivery, _ *Server) bool {
			return d.signed && strings.HasSuffix(d.clear, `,}`)
		}},
		{"PushWithoutOpenID", Quirks{PushWithoutOpenID: once}, PushSafe, PushXML, func(d delivery, _ *Server) bool {
			_, there := d.fields["OpenID"]
			return d.signed && !there && d.fields["AppID"] == shop
		}},
		{"PushLowerCase", Quirks{PushLowerCase: once}, PushPlain, PushJSON, func(d delivery, s *Server) bool {
			return d.signed && d.fields["openid"] == s.OpenID("alice", shop) && d.fields["appid"] == shop && d.fields["OpenID"] == ""
		}},
		{"PushUnknownEvent", Quirks{PushUnknownEvent: once}, PushPlain, PushXML, func(d delivery, _ *Server) bool {
			return d.signed && d.fields["Event"] != "" && d.fields["Event"] != "user_authorization_revoke"
		}},
	} {
		t.Run(c.name+string(c.mode), func(t *testing.T) {
			t.Parallel()
			s := newSim(t)
			in := newInbox(t, s, shop, c.mode, c.format)
			set(t, s, c.q)
			for i := range 2 {
				if _, err := s.PushRevoke("alice", shop); err != nil {
					t.Fatal(err)
				}
				if got := c.check(in.last(), s); got != (i == 0) {
					t.Errorf("push %d: %+v", i, in.last())
				}
			}
		})
	}
}

func TestPushTwice(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushSafe, PushXML)
	set(t, s, Quirks{PushTwice: Knob{On: true, Next: 1}})
	for range 2 {
		if _, err := s.PushText("alice", shop, "x"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "three pushes", func() bool { return len(in.all()) == 3 && s.Pushes()[2].Done })
	ids := map[string]int{}
	for _, d := range in.all() {
		ids[d.fields["MsgId"]]++
	}
	if len(ids) != 2 || len(s.Pushes()) != 3 {
		t.Errorf("%v", ids)
	}
}

// Between the change in WeChat's console and that of the gateway, pushes come
// with the token and the key of before.
func TestPushOldToken(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	in := newInbox(t, s, shop, PushSafe, PushXML)
	old := Quirks{PushOldToken: Knob{On: true, Next: 1}}
	set(t, s, old)
	if _, err := s.PushText("alice", shop, "before any change"); err != nil || s.Quirks() != old {
		t.Errorf("counted: %+v, %v", s.Quirks(), err)
	}
	in.settings(s, PushSettings{Token: "An0therToken", AESKey: strings.Repeat("z", aesKeyLength), Mode: PushSafe})
	for i := range 2 {
		if _, err := s.PushText("alice", shop, "x"); err != nil {
			t.Fatal(err)
		}
		if d := in.last(); d.signed != (i == 0) || d.sealedFor != (i == 0) {
			t.Errorf("push %d: %+v", i, d)
		}
	}
}

// What cannot show in a push is not counted.
func TestPushQuirksWait(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	newInbox(t, s, shop, PushPlain, PushXML)
	k := Knob{On: true, Next: 1}
	q := Quirks{PushWrongAppID: k, PushOddJSON: k, PushWithoutOpenID: k, PushLowerCase: k, PushUnknownEvent: k, PushOldToken: k}
	set(t, s, q)
	if _, err := s.PushText("alice", shop, "x"); err != nil || s.Quirks() != q {
		t.Errorf("%+v, %v", s.Quirks(), err)
	}
}

func TestPushSettingsRefuse(t *testing.T) {
	t.Parallel()
	s := newSim(t)
	good := PushSettings{URL: "http://127.0.0.1:8080/_wechat/push/main?a=b", Token: pushToken, AESKey: pushKey, Mode: PushSafe}
	if err := s.SetPush(shop, good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*PushSettings){
		"no address":  func(p *PushSettings) { p.URL = "" },
		"a path":      func(p *PushSettings) { p.URL = "/push" },
		"a file":      func(p *PushSettings) { p.URL = "file:///etc/passwd" },
		"a user":      func(p *PushSettings) { p.URL = "http://a:b@127.0.0.1/" },
		"a fragment":  func(p *PushSettings) { p.URL += "#x" },
		"long":        func(p *PushSettings) { p.URL += strings.Repeat("x", maxURL) },
		"no token":    func(p *PushSettings) { p.Token = "" },
		"short token": func(p *PushSettings) { p.Token = "ab" },
		"odd token":   func(p *PushSettings) { p.Token = "abc&def" },
		"no key":      func(p *PushSettings) { p.AESKey = "" },
		"short key":   func(p *PushSettings) { p.AESKey = pushKey[1:] },
		"mode":        func(p *PushSettings) { p.Mode = "secret" },
		"format":      func(p *PushSettings) { p.Format = "yaml" },
	} {
		p := good
		change(&p)
		if err := s.SetPush(shop, p); !errors.Is(err, ErrBadAccount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a, _ := s.roster.account(shop); a.Push != good {
		t.Error("a refused change changed something")
	}
	if err := s.SetPush("wx0", good); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	if err := (Config{PushWait: -1}).Validate(); !errors.Is(err, ErrBadPush) {
		t.Errorf("%v", err)
	}
}
