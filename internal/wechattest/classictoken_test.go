package wechattest

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// classic fetches a token of the older kind.
func classic(t testing.TB, s *Server, appID, secret string) apiReply {
	t.Helper()
	query := url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}
	return askAPI(t, s, "/cgi-bin/token?"+query.Encode(), "")
}

// Every call gives a new token, and the one before is good for five minutes
// more.
func TestClassicTokenReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		first := classic(t, s, shop, shopSecret)
		if first.ExpiresIn != 7200 || len(first.AccessToken) < 80 {
			t.Fatalf("%+v", first)
		}
		time.Sleep(time.Hour)
		second := classic(t, s, shop, shopSecret)
		if second.AccessToken == first.AccessToken || second.ExpiresIn != 7200 {
			t.Fatalf("%+v", second)
		}
		time.Sleep(5 * time.Minute)
		if got := ticketErrcode(t, s, first.AccessToken); got != 0 {
			t.Errorf("after five minutes the replaced token hears %d", got)
		}
		time.Sleep(time.Second)
		if got := ticketErrcode(t, s, first.AccessToken); got != 40001 {
			t.Errorf("later the replaced token hears %d", got)
		}
		time.Sleep(2*time.Hour - 5*time.Minute - time.Second)
		if got := ticketErrcode(t, s, second.AccessToken); got != 0 {
			t.Errorf("for two hours the newest token hears %d", got)
		}
		time.Sleep(time.Second)
		if got := ticketErrcode(t, s, second.AccessToken); got != 42001 {
			t.Errorf("after two hours the newest token hears %d", got)
		}
	})
}

// A token that has less than five minutes gets none more by being replaced.
func TestClassicTokenIsNotExtended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		first := classic(t, s, shop, shopSecret)
		time.Sleep(2*time.Hour - time.Minute)
		classic(t, s, shop, shopSecret)
		time.Sleep(time.Minute + time.Second)
		if got := ticketErrcode(t, s, first.AccessToken); got != 42001 {
			t.Errorf("it hears %d", got)
		}
	})
}

// The tokens of the two calls live side by side: neither ends the other.
func TestClassicAndStableTokensAreIsolated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		steady := stable(t, s, shop, shopSecret, false).AccessToken
		old := classic(t, s, shop, shopSecret).AccessToken
		if steady == old {
			t.Fatal("both calls give one token")
		}
		classic(t, s, shop, shopSecret)
		time.Sleep(10 * time.Minute)
		if got := ticketErrcode(t, s, steady); got != 0 {
			t.Errorf("the stable token hears %d", got)
		}
		if again := stable(t, s, shop, shopSecret, false).AccessToken; again != steady {
			t.Error("the stable token was replaced")
		}
		newest := classic(t, s, shop, shopSecret).AccessToken
		stable(t, s, shop, shopSecret, true)
		if a, b := ticketErrcode(t, s, newest), ticketErrcode(t, s, steady); a != 0 || b != 40001 {
			t.Errorf("after a forced refresh the classic one hears %d, the stable one %d", a, b)
		}
	})
}

func TestClassicTokenQuota(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		account Account
		limit   int
	}{
		{"an account", Account{AppID: shop, Secret: shopSecret}, 2000},
		{"a test account", Account{AppID: shop, Secret: shopSecret, FollowersOnly: true}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Hour) // away from midnight
				s := New(Config{Accounts: []Account{c.account}})
				defer s.Close()
				classic(t, s, shop, "wrong") // counts nothing
				for i := range c.limit {
					if v := classic(t, s, shop, shopSecret); v.Errcode != 0 {
						t.Fatalf("call %d: %+v", i+1, v)
					}
				}
				if v := classic(t, s, shop, shopSecret); v.Errcode != 45009 || v.AccessToken != "" {
					t.Errorf("one more: %+v", v)
				}
				if v := stable(t, s, shop, shopSecret, false); v.Errcode != 0 {
					t.Errorf("stable_token has a quota of its own: %+v", v)
				}
				time.Sleep(24 * time.Hour)
				if v := classic(t, s, shop, shopSecret); v.Errcode != 0 {
					t.Errorf("the next day: %+v", v)
				}
			})
		})
	}
}

func TestClassicTokenErrors(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	for _, c := range []struct {
		name, query string
		want        int
	}{
		{"nothing", "", 41002},
		{"another app", "grant_type=client_credential&appid=wx0&secret=x", 40013},
		{"no secret", "grant_type=client_credential&appid=" + shop, 41004},
		{"another account's secret", "grant_type=client_credential&appid=" + shop + "&secret=" + miniSecret, 40125},
		{"grant type", "grant_type=client_credentials&appid=" + shop + "&secret=" + shopSecret, 40002},
		{"a website", "grant_type=client_credential&appid=" + site + "&secret=" + siteSecret, 48001},
		{"a mini program", "grant_type=client_credential&appid=" + mini + "&secret=" + miniSecret, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := askAPI(t, s, "/cgi-bin/token?"+c.query, ""); v.Errcode != c.want || (v.AccessToken != "") != (c.want == 0) {
				t.Errorf("%+v, want %d", v, c.want)
			}
		})
	}
	set(t, s, Quirks{IPNotAllowed: Knob{On: true, Endpoint: AtClassic, Next: 1}})
	if v := stable(t, s, shop, shopSecret, false); v.Errcode != 0 {
		t.Errorf("the other call: %+v", v)
	}
	if v := classic(t, s, shop, shopSecret); v.Errcode != 40164 || !strings.HasPrefix(v.Errmsg, "invalid ip 192.0.2.1 ipv6 ::ffff:192.0.2.1, not in whitelist") {
		t.Errorf("%+v", v)
	}
}
