package wechattest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Every mistake changes what WeChat answers, and is undone.
func TestMistakes(t *testing.T) {
	t.Parallel()
	all := wechattest.Mistakes()
	if len(all) < 20 {
		t.Errorf("only %d mistakes", len(all))
	}
	for _, m := range all {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			s := wechattest.New(wechattest.Config{Accounts: wechattest.DefaultAccounts(), Persons: wechattest.DefaultPersons()})
			defer s.Close()
			accounts, quirks, date := s.Accounts(), s.Quirks(), dateOf(t, s)
			if off := time.Since(date).Abs(); off > 5*time.Minute {
				t.Errorf("the clock was %s off", off)
			}
			undo, err := s.Plant(m.Name)
			if err != nil {
				t.Fatal(err)
			}
			off := time.Since(dateOf(t, s)).Abs()
			if reflect.DeepEqual(s.Accounts(), accounts) && s.Quirks() == quirks && off < 5*time.Minute {
				t.Error("nothing has changed")
			}
			undo()
			if off = time.Since(dateOf(t, s)).Abs(); !reflect.DeepEqual(s.Accounts(), accounts) || s.Quirks() != quirks || off > 5*time.Minute {
				t.Error("it is not undone")
			}
			if m.What.Chinese == "" || m.What.English == "" {
				t.Error("it says nothing about itself")
			}
		})
	}
	s := wechattest.New(wechattest.Config{})
	defer s.Close()
	if _, err := s.Plant("nothing"); !errors.Is(err, wechattest.ErrUnknown) {
		t.Errorf("an unknown mistake: %v", err)
	}
}

// A mistake that is an error code of WeChat's has WeChat's text, which the
// operator reads in the log: "unknown error" would explain nothing.
func TestMistakesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := wechattest.New(wechattest.Config{Accounts: wechattest.DefaultAccounts()})
	defer s.Close()
	text := map[string]string{
		"unknown_app_id": "invalid appid", "invalid_credential": "invalid credential", "secret_frozen": "AppSecret frozen", "daily_quota": "quota",
		"minute_quota": "minute-quota", "api_unauthorized": "api unauthorized", "api_banned": "api banned", "admin_pending": "pending admin confirmation",
		"admin_confirms": "admin must confirm", "admin_refused_day": "24 h", "admin_refused_hour": "1 h", "wrong_secret": "invalid appsecret",
		"ip_not_allowed": "not in whitelist", "busy": "system error",
	}
	for _, m := range wechattest.Mistakes() {
		want := text[m.Name]
		undo, err := s.Plant(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/cgi-bin/stable_token", strings.NewReader(`{"grant_type":"client_credential","appid":"`+wechattest.DefaultAppID+`","secret":"`+wechattest.DefaultSecret+`"}`))
		r.Host, r.RemoteAddr = "127.0.0.1", "127.0.0.1:1"
		func() {
			defer func() { _ = recover() }() // cut_connection
			s.ServeHTTP(w, r)
		}()
		undo()
		if said := w.Body.String(); strings.Contains(said, "unknown error") || !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %q", m.Name, said, want)
		}
	}
}

// dateOf is what an answer says the time is; now, if it does not say.
func dateOf(t *testing.T, s *wechattest.Server) time.Time {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host, r.RemoteAddr = "127.0.0.1", "127.0.0.1:1"
	s.ServeHTTP(w, r)
	text := w.Header().Get("Date")
	if text == "" {
		return time.Now()
	}
	date, err := http.ParseTime(text)
	if err != nil {
		t.Fatal(err)
	}
	return date
}
