package wechat

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the tests call with. Nothing else in the repository looks like these.
const (
	testAppID  = "wx1234567890abcdef"
	testOpenID = "oTest_openid-0123456789abcde"
)

var (
	testSecret  = NewSecret("app5ecret+/=&?#0123456789abcdef")
	testCode    = "c0de%2B&appid=other/+=0a1b2c3d4e5f"
	testAccess  = NewSecret("acce55+/=&token_98765432109876543210")
	testRefresh = NewSecret("refre5h+/=&token_55554444333322221111")
	testCred    = Credentials{AppID: testAppID, Secret: testSecret}
)

// success is an answer that every call takes for one.
const success = `{"errcode":0,"errmsg":"ok","openid":"` + testOpenID + `","session_key":"tiihtNczf5v6AKRyjwEUhQ==","subscribe":1,` +
	`"phone_info":{"purePhoneNumber":"13800138000","countryCode":86},"access_token":"acce55-of-the-account","ticket":"t1cket","expires_in":7200,"expire_seconds":2592000,"url":"http://weixin.qq.com/q/02example"}`

// calls are all calls, with nothing but the error.
var calls = map[string]func(*testing.T, *Client) error{
	"exchange": func(t *testing.T, c *Client) error {
		_, err := c.Exchange(t.Context(), testCred, testCode)
		return err
	},
	"refresh": func(t *testing.T, c *Client) error {
		_, err := c.Refresh(t.Context(), testAppID, testRefresh)
		return err
	},
	"userinfo": func(t *testing.T, c *Client) error {
		_, err := c.UserInfo(t.Context(), testAccess, testOpenID)
		return err
	},
	"login": func(t *testing.T, c *Client) error {
		_, err := c.Login(t.Context(), testCred, testCode)
		return err
	},
	"phone": func(t *testing.T, c *Client) error {
		_, err := c.Phone(t.Context(), testAccess, testAppID, testCode, testOpenID)
		return err
	},
	"follower": func(t *testing.T, c *Client) error {
		_, err := c.Follower(t.Context(), testAccess, testOpenID)
		return err
	},
	"token": func(t *testing.T, c *Client) error {
		_, _, err := c.stableToken(t.Context(), testCred, false)
		return err
	},
	"ticket": func(t *testing.T, c *Client) error {
		_, _, err := c.jsTicket(t.Context(), testAccess)
		return err
	},
	"qrcode": func(t *testing.T, c *Client) error {
		_, _, err := c.followCode(t.Context(), testAccess)
		return err
	},
}

// newClient returns a client that speaks to handler.
func newClient(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	c := &Client{APIURL: server.URL}
	t.Cleanup(func() { c.CloseIdle(); server.Close() })
	return c
}

// answer returns a handler that answers every request with body, as WeChat
// does.
func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, body)
	}
}

// readJSON reads a file of testdata.
func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
