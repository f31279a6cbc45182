package wechattest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func contains(page, want string) bool { return strings.Contains(page, want) }

// apiReply is what /cgi-bin and /wxa answer.
type apiReply struct {
	Errcode     int     `json:"errcode"`
	Errmsg      string  `json:"errmsg"`
	AccessToken string  `json:"access_token"`
	ExpiresIn   int     `json:"expires_in"`
	Subscribe   *int    `json:"subscribe"`
	OpenID      string  `json:"openid"`
	UnionID     *string `json:"unionid"`
	Ticket      string  `json:"ticket"`
	Phone       struct {
		PhoneNumber, PurePhoneNumber string
		CountryCode                  any
		Watermark                    struct{ AppID string }
	} `json:"phone_info"`
}

// askAPI asks /cgi-bin or /wxa; body "" is a GET.
func askAPI(t testing.TB, s *Server, path, body string) apiReply {
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r := send(s, method, path, body, http.Header{"Content-Type": {"application/json"}})
	var v apiReply
	if err := json.Unmarshal([]byte(text(t, r)), &v); err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/json; encoding=utf-8" {
		t.Errorf("answered %s, %s", r.Status, r.Header.Get("Content-Type"))
	}
	return v
}

func stable(t testing.TB, s *Server, appID, secret string, force bool) apiReply {
	t.Helper()
	body := `{"grant_type":"client_credential","appid":"` + appID + `","secret":"` + secret + `"`
	if force {
		body += `,"force_refresh":true`
	}
	return askAPI(t, s, "/cgi-bin/stable_token", body+"}")
}

func ticketErrcode(t testing.TB, s *Server, token string) int {
	t.Helper()
	return askAPI(t, s, "/cgi-bin/ticket/getticket?type=jsapi&access_token="+token, "").Errcode
}

// The same token while it is valid; what it has left shrinks to 300 s.
func TestStableTokenShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		first := stable(t, s, shop, shopSecret, false)
		if first.ExpiresIn != 7200 || len(first.AccessToken) < 80 {
			t.Fatalf("%+v", first)
		}
		time.Sleep(time.Hour)
		if v := stable(t, s, shop, shopSecret, false); v.AccessToken != first.AccessToken || v.ExpiresIn != 3600 {
			t.Errorf("%+v", v)
		}
		time.Sleep(55 * time.Minute)
		if v := stable(t, s, shop, shopSecret, false); v.AccessToken != first.AccessToken || v.ExpiresIn != 300 {
			t.Errorf("%+v", v)
		}
		time.Sleep(time.Second)
		second := stable(t, s, shop, shopSecret, false)
		if second.AccessToken == first.AccessToken || second.ExpiresIn != 7200 {
			t.Errorf("%+v", second)
		}
		for i, want := range []int{0, 42001} { // for five minutes both are good
			if a, b := ticketErrcode(t, s, first.AccessToken), ticketErrcode(t, s, second.AccessToken); a != want || b != 0 {
				t.Errorf("%d: %d, %d", i, a, b)
			}
			time.Sleep(5 * time.Minute)
		}
		if other := stable(t, s, blog, blogSecret, false); other.AccessToken == second.AccessToken {
			t.Error("accounts share a token")
		}
	})
}

// force_refresh kills the old token, not twice in 30 s, 20 times a day.
func TestForceRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) // away from midnight
		s := newSim(t)
		first := stable(t, s, shop, shopSecret, false)
		forced := stable(t, s, shop, shopSecret, true)
		if forced.AccessToken == first.AccessToken || ticketErrcode(t, s, first.AccessToken) != 40001 || ticketErrcode(t, s, forced.AccessToken) != 0 {
			t.Errorf("%+v", forced)
		}
		time.Sleep(29 * time.Second)
		if v := stable(t, s, shop, shopSecret, true); v.AccessToken != forced.AccessToken || v.ExpiresIn != 7171 {
			t.Errorf("too soon: %+v", v)
		}
		for i := range 20 {
			time.Sleep(30 * time.Second)
			v := stable(t, s, shop, shopSecret, true)
			if want := map[bool]int{false: 0, true: 45009}[i == 19]; v.Errcode != want {
				t.Errorf("force %d: %+v", i+2, v)
			}
		}
		if v := stable(t, s, shop, shopSecret, false); v.Errcode != 0 {
			t.Errorf("without force: %+v", v)
		}
		time.Sleep(24 * time.Hour)
		if v := stable(t, s, shop, shopSecret, true); v.Errcode != 0 {
			t.Errorf("the next day: %+v", v)
		}
	})
}

func TestStableTokenErrors(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"no JSON":      {"appid=x", 47001},
		"too long":     {`{"appid":"` + strings.Repeat("x", maxJSON) + `"}`, 47001},
		"no app":       {`{"grant_type":"client_credential"}`, 41002},
		"another app":  {`{"grant_type":"client_credential","appid":"wx0","secret":"x"}`, 40013},
		"no secret":    {`{"grant_type":"client_credential","appid":"` + shop + `"}`, 41004},
		"wrong secret": {`{"grant_type":"client_credential","appid":"` + shop + `","secret":"x"}`, 40125},
		"grant type":   {`{"grant_type":"code","appid":"` + shop + `","secret":"` + shopSecret + `"}`, 40002},
		"a website":    {`{"grant_type":"client_credential","appid":"` + site + `","secret":"` + siteSecret + `"}`, 48001},
	} {
		if v := askAPI(t, s, "/cgi-bin/stable_token", c.body); v.Errcode != c.want || v.AccessToken != "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	set(t, s, Quirks{IPNotAllowed: Knob{On: true, Next: 1}})
	if v := stable(t, s, shop, shopSecret, false); v.Errcode != 40164 ||
		!strings.HasPrefix(v.Errmsg, "invalid ip 192.0.2.1 ipv6 ::ffff:192.0.2.1, not in whitelist") {
		t.Errorf("%+v", v)
	}
	if v := stable(t, s, shop, shopSecret, false); v.Errcode != 0 {
		t.Errorf("%+v", v)
	}
	set(t, s, Quirks{QuotaPerMinute: 1, Busy: Knob{On: true, Next: 1, Endpoint: AtStableToken}})
	for _, want := range []int{-1, 0, 45011} {
		if v := stable(t, s, blog, blogSecret, false); v.Errcode != want {
			t.Errorf("%+v", v)
		}
	}
}

// Another fetcher has made the token void: that lasts until it is renewed.
func TestGlobalTokenDies(t *testing.T) {
	t.Parallel()
	for want, q := range map[int]Quirks{
		40001: {GlobalTokenKilled: Knob{On: true, Next: 1, Endpoint: AtTicket}},
		42001: {GlobalTokenExpired: Knob{On: true, Next: 1}},
	} {
		s := newSim(t)
		token := stable(t, s, shop, shopSecret, false).AccessToken
		set(t, s, q)
		for range 2 {
			if got := ticketErrcode(t, s, token); got != want {
				t.Errorf("%d instead of %d", got, want)
			}
		}
		if v := stable(t, s, shop, shopSecret, false); v.AccessToken == token || ticketErrcode(t, s, v.AccessToken) != 0 {
			t.Errorf("renewed: %+v", v)
		}
	}
}
