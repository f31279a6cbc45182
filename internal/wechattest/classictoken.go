package wechattest

import (
	"net/http"
	"net/url"
	"time"
)

// Rules of /cgi-bin/token (wechat-protocol E1).
const (
	classicPerDay     = 2000
	classicPerDayTest = 200 // of a test account (测试号)
)

// classicToken issues a new token with every call. The previous one stays valid
// for five minutes. Its tokens are independent of those of stable_token.
func (s *Server) classicToken(r *http.Request, query url.Values) answer {
	account, errcode := s.credential(AtClassic, query, "client_credential", true)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	if a, refused := s.refuseCaller(r, account, AtClassic); refused {
		return a
	}
	limit := classicPerDay
	if account.FollowersOnly {
		limit = classicPerDayTest
	}
	token, errcode := s.vault.classic(account.AppID, limit)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	return answer{appID: account.AppID, fields: []field{{"access_token", token}, {"expires_in", int(globalTokenLife.Seconds())}}}
}

// refuseCaller makes the checks that both calls for a global token make after
// the check of the secret.
func (s *Server) refuseCaller(r *http.Request, account Account, at string) (answer, bool) {
	switch {
	case account.Kind.openPlatform():
		return failed(account.AppID, 48001), true // not documented; these apps have no such interfaces
	case s.quirks.fires(at, func(q *Quirks) *Knob { return &q.IPNotAllowed }):
		return answer{appID: account.AppID, errcode: 40164, message: "invalid ip " + caller(r) + ", not in whitelist"}, true
	}
	return answer{}, false
}

// classic issues a token, and lets the previous one expire in five minutes.
func (v *vault) classic(appID string, limit int) (token string, errcode int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, set := time.Now(), v.set(appID)
	if !set.fetches.take(now, limit) {
		return "", 45009
	}
	if old := set.newest; old != nil && old.until.After(now.Add(overlap)) {
		old.until, old.replaced = now.Add(overlap), true
	}
	set.newest = v.newGlobal(appID, now)
	return set.newest.text, 0
}

// newGlobal issues a token for /cgi-bin and /wxa. The caller holds the lock.
func (v *vault) newGlobal(appID string, now time.Time) *globalToken {
	token := &globalToken{text: newToken(), appID: appID, until: now.Add(globalTokenLife)}
	v.global.put(token.text, token)
	v.issued.put(token.text, struct{}{})
	return token
}

// dayCount counts calls with a daily limit.
type dayCount struct {
	day  time.Time
	used int
}

// take counts one call, unless the daily limit is reached.
func (d *dayCount) take(now time.Time, limit int) bool {
	if today := now.Truncate(24 * time.Hour); !today.Equal(d.day) {
		*d = dayCount{day: today}
	}
	if d.used >= limit {
		return false
	}
	d.used++
	return true
}
