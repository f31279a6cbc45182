package wechat

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFollowCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want string
		life time.Duration
		err  error
	}{
		"WeChat's sample":  {`{"ticket":"gQH47joAAAAAAAAAASxodHRwOi8vd2VpeGluLnFxLmNvbS9xL2taZ2Z3TVRtNzJXV1Brb3ZhYmJJAAIEZ23sUwMEmm3sUw==","expire_seconds":60,"url":"http:\/\/weixin.qq.com\/q\/kZgfwMTm72WWPkovabbI"}`, "http://weixin.qq.com/q/kZgfwMTm72WWPkovabbI", time.Minute, nil},
		"a text":           {`{"expire_seconds":"60","url":" https://weixin.qq.com/q/a "}`, "https://weixin.qq.com/q/a", time.Minute, nil},
		"too long a life":  {`{"expire_seconds":99999999999,"url":"http://weixin.qq.com/q/a"}`, "http://weixin.qq.com/q/a", followCodeLife, nil},
		"no life":          {`{"url":"http://weixin.qq.com/q/a"}`, "", 0, ErrUncertain},
		"no address":       {`{"expire_seconds":60,"ticket":"t"}`, "", 0, ErrUncertain},
		"a script":         {`{"expire_seconds":60,"url":"javascript:alert(1)"}`, "", 0, ErrUncertain},
		"a user":           {`{"expire_seconds":60,"url":"http://weixin.qq.com@evil.example/"}`, "", 0, ErrUncertain},
		"no host":          {`{"expire_seconds":60,"url":"http:///q/a"}`, "", 0, ErrUncertain},
		"a long address":   {`{"expire_seconds":60,"url":"http://weixin.qq.com/` + strings.Repeat("a", maxFollowCode) + `"}`, "", 0, ErrUncertain},
		"a line break":     {`{"expire_seconds":60,"url":"http://weixin.qq.com/a\nb"}`, "", 0, ErrUncertain},
		"not a verified":   {`{"errcode":48001,"errmsg":"api unauthorized"}`, "", 0, ErrAlert},
		"an invalid token": {`{"errcode":42001,"errmsg":"access_token expired"}`, "", 0, ErrRenew},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, life, err := newClient(t, answer(c.body)).followCode(t.Context(), testAccess)
			if got.Reveal() != c.want || life != c.life || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("%q, %s, %v; want %q, %s, %v", got.Reveal(), life, err, c.want, c.life, c.err)
			}
		})
	}
}

// One code serves all gateways for nearly a month; the next one is made while
// the old one still works.
func TestFollowCodeIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{}
		all := f.instances(t, 2, new(MemoryTokens))
		look := func(g *GlobalToken) {
			if address, err := g.FollowCode(t.Context()); err != nil || address != "http://weixin.qq.com/q/02example" {
				t.Errorf("%q, %v", address, err)
			}
		}
		crowd(all, 20, look)
		time.Sleep(26 * 24 * time.Hour)
		crowd(all, 20, look)
		if made, _, _ := f.called(); made != 1 {
			t.Errorf("%d codes were made", made)
		}
		time.Sleep(2 * 24 * time.Hour)
		crowd(all, 20, look)
		time.Sleep(2 * time.Second)
		if made, _, _ := f.called(); made != 2 {
			t.Errorf("%d codes were made after 28 days", made)
		}
	})
}

// Attack: any answer. What is drawn for visitors is a plain web address.
func FuzzFollowAddress(f *testing.F) {
	for _, s := range []string{"http://weixin.qq.com/q/a", "javascript:alert(1)", "http://a@b/", "https://[::1]/", "http://%zz/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if !followAddress(address) {
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil || len(address) > maxFollowCode || !strings.HasPrefix(strings.ToLower(address), "http") {
			t.Errorf("%q", address)
		}
	})
}
