package wechat

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	cases := []struct {
		code    int
		message string
		want    string
	}{
		{40164, "invalid ip 101.226.140.206 ipv6 ::ffff:101.226.140.206, not in whitelist", "101.226.140.206"},
		{40164, "invalid ip ::ffff:101.226.140.206, not in whitelist", "101.226.140.206"},
		{40164, "invalid ip 2408:8756:2c5f::1 ipv6 2408:8756:2c5f::1, not in whitelist", "2408:8756:2c5f::1"},
		{60020, "not allow to access from your ip, from ip: 10.0.0.7, more info at https://x.example", "10.0.0.7"},
		{61004, "access clientip is not registered request IP is 10.0.0.8", "10.0.0.8"},
		{89503, "this ip 10.0.0.9. must be confirmed", "10.0.0.9"},
		{40164, "invalid ip, not in whitelist", ""},
		{40164, "invalid ip 999.1.1.1, add bad cafe face", ""},
		{40164, "fe80::1%<script>", "fe80::1"},
		{40029, "invalid code from 10.0.0.7", ""},
		{40164, "", ""},
	}
	for _, tc := range cases {
		if got := refusedAddress(tc.code, tc.message); got != tc.want {
			t.Errorf("%d %q: got %q", tc.code, tc.message, got)
		}
	}
	e := &Error{Op: "token", Code: 40164, Message: "invalid ip", Address: "10.0.0.7", Remedy: RemedyAlert}
	if !strings.Contains(e.Error(), "add 10.0.0.7 to the account's IP allowlist") {
		t.Errorf("the log does not say what to do: %v", e)
	}
}

func TestFollowers(t *testing.T) {
	t.Parallel()
	var file fixtures
	readJSON(t, "http_fixtures.json", &file)
	cases := []struct {
		body, openID string
		want         Follower
		err          error
	}{
		{string(file.Success["cgi_bin_user_info_subscribed"].Body), "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", Follower{true, "o6_bmasdasdsad6_2sgVt7hMZOPfL"}, nil},
		{string(file.Success["cgi_bin_user_info_not_subscribed"].Body), "otvxTs_JZ6SEiP0imdhpi50fuSZg", Follower{}, nil},
		{`{"subscribe":"1","openid":"o1"}`, "o1", Follower{Subscribed: true}, nil},
		{`{"subscribe":"0","openid":"o1"}`, "o1", Follower{}, nil},
		{`{"subscribe":true,"openid":"o1","unionid":"u1"}`, "o1", Follower{}, ErrUncertain}, // not a no
		{`{"openid":"o1","unionid":"u1"}`, "o1", Follower{}, ErrUncertain},
		{`{"subscribe":1,"openid":"o2","unionid":"u2"}`, "o1", Follower{}, ErrAlert}, // a cache on the way
		{`{"subscribe":1,"unionid":"u2"}`, "o1", Follower{}, ErrUncertain},
		{`{"subscribe":1,"openid":"o1","unionid":"u\r\n1"}`, "o1", Follower{}, ErrUncertain},
		{`{"errcode":40003,"errmsg":"invalid openid"}`, "o1", Follower{}, ErrDeny},
	}
	for _, tc := range cases {
		got, err := newClient(t, answer(tc.body)).Follower(t.Context(), testAccess, tc.openID)
		if got != tc.want || !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
			t.Errorf("%s: %+v, %v", tc.body, got, err)
		}
	}
}

func TestTokensAndTickets(t *testing.T) {
	t.Parallel()
	var file fixtures
	readJSON(t, "http_fixtures.json", &file)
	c := newClient(t, answer(string(file.Success["cgi_bin_token"].Body)))
	if value, life, err := c.stableToken(t.Context(), testCred, false); err != nil || value.Reveal() != "ACCESS_TOKEN" || life != 2*time.Hour {
		t.Errorf("%q, %v, %v", value.Reveal(), life, err)
	}
	c = newClient(t, answer(string(file.Success["cgi_bin_ticket_getticket"].Body)))
	if value, life, err := c.jsTicket(t.Context(), testAccess); err != nil || !strings.HasPrefix(value.Reveal(), "bxLdikRXVbTPdHSM05e5u5") || life != 2*time.Hour {
		t.Errorf("%q, %v, %v", value.Reveal(), life, err)
	}
	lives := map[string]time.Duration{``: 300 * time.Second, `,"expires_in":"300"`: 300 * time.Second, `,"expires_in":-1`: 300 * time.Second, `,"expires_in":1e99`: 300 * time.Second, `,"expires_in":60`: time.Minute}
	for text, want := range lives {
		c := newClient(t, answer(`{"access_token":"a"`+text+`}`))
		if _, life, err := c.stableToken(t.Context(), testCred, false); err != nil || life != want {
			t.Errorf("%s: %v, %v", text, life, err)
		}
	}
	for _, body := range []string{`{}`, `{"access_token":"","ticket":""}`, `{"access_token":"a\nb","ticket":"a b"}`, `{"access_token":{},"ticket":[]}`, `{"access_token":"` + strings.Repeat("a", 2049) + `"}`} {
		c := newClient(t, answer(body))
		value, _, err := c.stableToken(t.Context(), testCred, false)
		ticket, _, errTicket := c.jsTicket(t.Context(), testAccess)
		if !errors.Is(err, ErrUncertain) || !errors.Is(errTicket, ErrUncertain) || !value.IsZero() || !ticket.IsZero() {
			t.Errorf("%.40s: %v, %v", body, err, errTicket)
		}
	}
}
