package wechattest

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// phoneNumber exchanges the code of a phone button (wechat-protocol D2.5).
func (s *Server) phoneNumber(r *http.Request, query url.Values) answer {
	account, errcode := s.global(AtPhone, query)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	var v struct {
		Code   string `json:"code"`
		OpenID string `json:"openid"`
	}
	switch {
	case !readJSON(r, &v):
		return failed(account.AppID, 47001)
	case account.Kind != MiniProgram:
		return failed(account.AppID, 48001)
	case v.Code == "":
		return failed(account.AppID, 41008)
	}
	// A code with another person's openid is not spent.
	if holder, ok := s.vault.holder(v.Code); ok && v.OpenID != "" && s.OpenID(holder, account.AppID) != v.OpenID {
		return failed(account.AppID, 40003)
	}
	g, errcode := s.vault.spend(v.Code, account.AppID, onPhone)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	person, _ := s.roster.person(g.person)
	full, pure, country := person.phoneNumber()
	var code any = country
	if n, err := strconv.Atoi(country); err == nil && s.quirks.fires(AtPhone, func(q *Quirks) *Knob { return &q.CountryCodeAsNumber }) {
		code = n
	}
	return answer{appID: account.AppID, fields: []field{
		{"errcode", 0},
		{"errmsg", "ok"},
		{"phone_info", []field{{"phoneNumber", full}, {"purePhoneNumber", pure}, {"countryCode", code}, watermark(account.AppID)}},
	}}
}

// holder returns the person that a code belongs to.
func (v *vault) holder(code string) (personID string, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	record, ok := v.codes.get(code)
	if !ok {
		return "", false
	}
	return record.person, true
}

// ticket returns the ticket that signs pages for the JS-SDK (wechat-protocol
// E5), the same one while it is valid.
func (s *Server) ticket(_ *http.Request, query url.Values) answer {
	account, errcode := s.global(AtTicket, query)
	switch {
	case errcode != 0:
		return failed(account.AppID, errcode)
	case account.Kind != OfficialAccount:
		return failed(account.AppID, 48001)
	case query.Get("type") != "jsapi":
		return failed(account.AppID, 40097)
	}
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	now, set := time.Now(), s.vault.set(account.AppID)
	if !set.ticketUntil.After(now) {
		set.ticket, set.ticketUntil = newToken()[3:], now.Add(globalTokenLife)
		s.vault.issued.put(set.ticket, struct{}{})
	}
	return answer{appID: account.AppID, fields: []field{
		{"errcode", 0}, {"errmsg", "ok"}, {"ticket", set.ticket}, {"expires_in", int(set.ticketUntil.Sub(now).Seconds())},
	}}
}
