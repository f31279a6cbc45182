//go:build fleet

package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/session"
)

// visitor is a browser on the phone of a person; its requests go to g.
func (f *fleet) visitor(personID string, g *gatewayProcess) *visitor {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	simURL, err := url.Parse(f.sim.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	jar.SetCookies(simURL, []*http.Cookie{f.wechat.PhoneCookie(personID)})
	return &visitor{
		t: f.t,
		client: &http.Client{
			Jar: jar, Transport: g.transport, Timeout: 30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		header: http.Header{"User-Agent": {phoneUA}, "Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}, "Accept-Language": {"zh-CN"}},
	}
}

// on is the same browser; its requests go to another gateway.
func (v *visitor) on(g *gatewayProcess) *visitor {
	client := *v.client
	client.Transport = g.transport
	return &visitor{t: v.t, client: &client, header: v.header}
}

// get asks for an address and follows nothing.
func (v *visitor) get(address string) answer {
	v.t.Helper()
	return v.send(http.MethodGet, address, "", nil)
}

// script asks as a page's script would: an answer of 401 stays one.
func (v *visitor) script(address string) answer {
	v.t.Helper()
	return v.send(http.MethodGet, address, "", http.Header{"Accept": {"application/json"}})
}

func (v *visitor) logOut(site string) answer {
	v.t.Helper()
	return v.send(http.MethodPost, site+"/_wechat/logout", "", http.Header{"Accept": {"application/json"}})
}

// told is what the app was told, by header; nil if the app was not reached.
func (a answer) told() map[string]string {
	told := map[string]string{}
	if a.StatusCode != http.StatusOK || json.Unmarshal([]byte(a.body), &told) != nil {
		return nil
	}
	return told
}

// cookieOf returns the value that an answer sets for a cookie.
func cookieOf(r *http.Response, name string) (value string, set bool) {
	for _, cookie := range r.Cookies() {
		if cookie.Name == name {
			return cookie.Value, true
		}
	}
	return "", false
}

// member is a visitor with a session that was put into the store directly.
type member struct {
	person, openID string

	mu     sync.Mutex
	cookie string
}

func (m *member) value() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cookie
}

func (m *member) keep(value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cookie = value
}

// ask sends one request of a member: a navigation, which a gateway could
// redirect, or a script's, which it could answer with 401.
func (g *gatewayProcess) ask(m *member, navigation bool) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, shopSite+"/page", nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("User-Agent", phoneUA)
	request.Header.Set("Cookie", "wechat="+m.value())
	if navigation {
		request.Header.Set("Accept", "text/html")
		request.Header.Set("Sec-Fetch-Mode", "navigate")
	} else {
		request.Header.Set("Accept", "application/json")
		request.Header.Set("Sec-Fetch-Mode", "cors")
	}
	client := &http.Client{
		Transport: g.transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// mint signs people in by writing into the store what a gateway would.
type mint struct {
	sessions *session.Redis
	ledger   *redisledger.Ledger
	made     int
}

func newMint(t *testing.T, client redis.UniversalClient) *mint {
	t.Helper()
	ring, err := session.NewRing(fleetKeys["FLEET_KEY"], fleetKeys["FLEET_KEY_NEW"], fleetKeys["FLEET_KEY_3"])
	if err != nil {
		t.Fatal(err)
	}
	m := &mint{
		sessions: &session.Redis{Client: client, Keys: ring, Timeout: 5 * time.Second},
		ledger:   redisledger.New(redisledger.Options{Client: client, Timeout: 5 * time.Second}),
	}
	t.Cleanup(func() {
		if err := m.ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// members signs n people in who have not been seen by any gateway.
func (m *mint) members(t *testing.T, n int) []*member {
	t.Helper()
	all, errs := make([]*member, n), make([]error, n)
	var work sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range n {
		m.made++
		openID := fmt.Sprintf("oFleet%022d", m.made)
		work.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			all[i], errs[i] = m.one(t, openID)
		})
	}
	work.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (m *mint) one(t *testing.T, openID string) (*member, error) {
	person, err := m.ledger.Observe(t.Context(), ledger.Observation{
		AppID: appID, OpenID: openID, UnionID: strings.Replace(openID, "oFleet", "uFleet", 1), Consent: true,
		Profile: &ledger.Profile{Nickname: "某人", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/fleet/132"},
	})
	if err != nil {
		return nil, err
	}
	s := session.New(session.Binding{Site: shopSite, AppID: appID}, person.ID, openID, session.ScopeUserInfo)
	value, err := m.sessions.Save(t.Context(), s)
	return &member{person: person.ID, openID: openID, cookie: value}, err
}
