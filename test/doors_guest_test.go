package test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// The doors.
const (
	atOfficial = "official account"
	atMini     = "mini program"
	atMobile   = "mobile app"
	atWebsite  = "website"
)

var doors = []string{atOfficial, atMini, atMobile, atWebsite}

// guest is one person's client at one door: a browser with cookies, or a client
// with a token. It reports errors, so that many can come at once.
type guest struct {
	w            *doorWorld
	person, door string
	client       *http.Client
	userAgent    string
	token        string
	hasty        bool // does not come again
}

func (d *doorWorld) guest(person, door string) *guest {
	g := &guest{w: d, person: person, door: door, userAgent: phoneUA}
	g.client = &http.Client{
		Transport: d.transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	switch door {
	case atWebsite:
		g.userAgent = desktopUA
		fallthrough
	case atOfficial:
		jar, _ := cookiejar.New(nil) // never fails
		jar.SetCookies(d.simURL(), []*http.Cookie{d.wechat.PhoneCookie(person)})
		g.client.Jar = jar
	}
	return g
}

// said is an answer that was read.
type said struct {
	status int
	header http.Header
	body   string
	url    *url.URL

	Error, Message string
	Token          string
	ExpiresIn      int `json:"expires_in"`
	User           map[string]any
	Phone, Ticket  string
	Parameter      string
}

// ask sends one request: JSON where there is a body, the token where there is
// one.
func (g *guest) ask(method, address string, body any, headers ...string) (said, error) {
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		b, err := json.Marshal(body)
		if err != nil {
			return said{}, err
		}
		content = strings.NewReader(string(b))
	}
	if strings.HasPrefix(address, "/") {
		address = g.w.site + address
	}
	request, err := http.NewRequest(method, address, content)
	if err != nil {
		return said{}, err
	}
	request.Header.Set("User-Agent", g.userAgent)
	request.Header.Set("Accept", "text/html,*/*;q=0.8")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if g.token != "" {
		request.Header.Set("Authorization", "Bearer "+g.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := g.client.Do(request)
	if err != nil {
		return said{}, err
	}
	defer response.Body.Close()
	s := said{status: response.StatusCode, header: response.Header, url: request.URL}
	if s.body, err = readAll(response.Body); err == nil && strings.HasPrefix(s.body, "{") {
		err = json.Unmarshal([]byte(s.body), &s)
	}
	return s, err
}

// enters comes in by the door.
func (g *guest) enters() error {
	var err error
	switch g.door {
	case atOfficial, atWebsite:
		_, err = g.dance("/who")
	case atMini:
		err = g.login("/_wechat/mini-program/mini/login", func() string { return g.w.wechat.MiniProgramCode(g.person, miniAppID) })
	case atMobile:
		err = g.login("/_wechat/mobile-app/app/login", func() string { return g.w.wechat.MobileCode(g.person, mobileAppID) })
	}
	if err != nil {
		return fmt.Errorf("%s at the %s: %w", g.person, g.door, err)
	}
	return nil
}

// patience is how often a client comes again that is told to, as docs/doors.md
// has it.
const patience = 10

// login signs in with a code: with the same one and its nonce where the gateway
// cannot answer now, and with a new one where it is no longer good.
func (g *guest) login(path string, newCode func() string) error {
	s, err, nonce := said{}, error(nil), rand.Text()
	g.w.transport.gave(nonce)
	for code, tries := newCode(), 0; tries < patience; tries++ {
		s, err = g.ask(http.MethodPost, path, map[string]string{"code": code, "nonce": nonce})
		if err != nil || !g.waits(s) && (g.hasty || s.Error != "code_invalid") {
			break
		}
		if s.Error == "code_invalid" {
			code = newCode()
		}
	}
	if err == nil && (s.status != http.StatusOK || s.Token == "" || s.ExpiresIn < 1) {
		err = fmt.Errorf("%d %s", s.status, s.body)
	}
	g.token = s.Token
	return err
}

// waits a moment where the gateway says that it cannot answer now, and when to
// come again.
func (g *guest) waits(s said) bool {
	if g.hasty || s.status != http.StatusServiceUnavailable || s.header.Get("Retry-After") == "" {
		return false
	}
	g.w.waited.Add(1)
	time.Sleep(500 * time.Millisecond)
	return true
}

var ourConsent = regexp.MustCompile(`href="(/_wechat/login[^"]*)"`)

// dance opens a page, goes where it is sent, agrees to all that it is asked,
// and returns what it arrives at.
func (g *guest) dance(address string) (said, error) {
	for range 20 + patience {
		s, err := g.ask(http.MethodGet, address, nil)
		if err != nil {
			return s, err
		}
		if g.waits(s) {
			continue
		}
		next := s.header.Get("Location")
		if allow, _, ok := wechattest.ConsentLinks(s.body); ok {
			next = allow
		} else if allow, _, _, ok := wechattest.QRLinks(s.body); ok {
			next = allow
		} else if link := attribute(s.body, ourConsent.String()); link != "" {
			next = link
		}
		if next == "" {
			if s.status != http.StatusOK {
				err = fmt.Errorf("ends at %s with %d %.300s", s.url.Path, s.status, s.body)
			}
			return s, err
		}
		to, err := s.url.Parse(next)
		if err != nil {
			return s, err
		}
		to.Fragment = ""
		address = to.String()
	}
	return said{}, errors.New("is redirected for ever")
}

// who asks the app whom it takes this client for.
func (g *guest) who() (map[string]string, error) {
	s, err := g.ask(http.MethodGet, "/who", nil)
	told := map[string]string{}
	if err == nil && s.status != http.StatusOK {
		err = fmt.Errorf("%s at the %s asks who it is: %d %.300s", g.person, g.door, s.status, s.body)
	}
	if err == nil {
		err = json.Unmarshal([]byte(s.body), &told)
	}
	return told, err
}

// expected is what the app must be told of a client, its nickname aside.
func (g *guest) expected(user string) map[string]string {
	app := map[string]string{atOfficial: appID, atMini: miniAppID, atMobile: mobileAppID, atWebsite: websiteAppID}[g.door]
	return map[string]string{
		"X-Wechat-User":    user,
		"X-Wechat-Openid":  g.w.wechat.OpenID(g.person, app),
		"X-Wechat-Unionid": g.w.wechat.UnionID(g.person, app),
		"X-Wechat-App-Id":  app,
		"X-Wechat-Account": map[string]string{atOfficial: "default", atMini: "mini", atMobile: "app", atWebsite: "pc"}[g.door],
		"X-Wechat-Scope":   map[string]string{atOfficial: "snsapi_userinfo", atMini: "mini_program", atMobile: "mobile_app", atWebsite: "snsapi_login"}[g.door],
		"Authorization":    "",
	}
}
