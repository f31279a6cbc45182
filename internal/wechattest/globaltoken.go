package wechattest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Rules of /cgi-bin/stable_token (wechat-protocol E2).
const (
	overlap         = 300 * time.Second // a token is replaced this long before its end; both are valid
	forceEvery      = 30 * time.Second
	forcePerDay     = 20
	maxJSON         = 64 << 10 // bytes of a body
	globalTokenLife = 7200 * time.Second
)

// globalToken is an access token for /cgi-bin and /wxa.
type globalToken struct {
	text  string
	appID string
	until time.Time
	void  int // errcode of the answer; 0 while it is valid
	// replaced is set after a newer token of /cgi-bin/token was fetched.
	replaced bool
}

// globalSet holds the global tokens of an account.
type globalSet struct {
	current *globalToken // nil for none
	forced  time.Time    // when force_refresh last had an effect
	forces  dayCount

	newest  *globalToken // of /cgi-bin/token; nil for none
	fetches dayCount     // of /cgi-bin/token

	ticket      string // for the JS-SDK
	ticketUntil time.Time
}

// readJSON reads the JSON object in a call's body.
func readJSON(r *http.Request, into any) bool {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON+1))
	return err == nil && len(body) <= maxJSON && json.Unmarshal(body, into) == nil
}

// stableToken returns the global token, the same one while it is valid.
func (s *Server) stableToken(r *http.Request, _ url.Values) answer {
	var v struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}
	if !readJSON(r, &v) {
		return failed("", 47001)
	}
	account, errcode := s.credential(AtStableToken, url.Values{
		"appid": {v.AppID}, "secret": {v.Secret}, "grant_type": {v.GrantType},
	}, "client_credential", true)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	if a, refused := s.refuseCaller(r, account, AtStableToken); refused {
		return a
	}
	token, left, errcode := s.vault.stable(account.AppID, v.ForceRefresh)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	return answer{appID: account.AppID, fields: []field{{"access_token", token}, {"expires_in", left}}}
}

// caller returns the client's address as WeChat writes it.
func caller(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip.To4() != nil {
		return ip.String() + " ipv6 ::ffff:" + ip.String()
	}
	return host
}

// set returns the tokens of an account. The caller holds the lock; the number
// of accounts is bounded.
func (v *vault) set(appID string) *globalSet {
	if v.current[appID] == nil {
		v.current[appID] = &globalSet{}
	}
	return v.current[appID]
}

// stable returns the token of an account and its remaining seconds, at least
// 300.
func (v *vault) stable(appID string, force bool) (token string, left, errcode int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, set := time.Now(), v.set(appID)
	old := set.current
	if force = force && now.Sub(set.forced) >= forceEvery; force {
		if !set.forces.take(now, forcePerDay) {
			return "", 0, 45009
		}
		set.forced = now
		if old != nil {
			old.void = 40001 // at once
		}
	}
	if old == nil || old.void != 0 || old.until.Sub(now) < overlap {
		set.current = v.newGlobal(appID, now)
	}
	return set.current.text, int(set.current.until.Sub(now).Seconds()), 0
}

// useGlobal returns the account of a token. A result of kill other than 0
// invalidates the token for good.
func (v *vault) useGlobal(text string, kill func() int) (appID string, errcode int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	token, ok := v.global.get(text)
	switch {
	case !ok:
		return "", 40001
	case token.void != 0:
		return token.appID, token.void
	case time.Now().After(token.until):
		return token.appID, map[bool]int{false: 42001, true: 40001}[token.replaced]
	}
	token.void = kill()
	return token.appID, token.void
}

// global checks the token of a call to /cgi-bin or /wxa.
func (s *Server) global(at string, query url.Values) (Account, int) {
	text := query.Get("access_token")
	if text == "" {
		return Account{}, 41001
	}
	appID, errcode := s.vault.useGlobal(text, func() int {
		switch {
		case s.quirks.fires(at, func(q *Quirks) *Knob { return &q.GlobalTokenKilled }):
			return 40001
		case s.quirks.fires(at, func(q *Quirks) *Knob { return &q.GlobalTokenExpired }):
			return 42001
		}
		return 0
	})
	account, _ := s.roster.account(appID)
	if errcode == 0 && s.overQuota(appID, at) {
		errcode = 45011
	}
	return account, errcode
}
