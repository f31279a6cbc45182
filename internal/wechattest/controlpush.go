package wechattest

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// actWithdraw handles the button 撤回授权. codes are the codes of RevokeInfo,
// separated by commas; without any, the usual code is used.
func (s *Server) actWithdraw(f url.Values) error {
	personID, appID := f.Get("person"), f.Get("account")
	if _, ok := s.roster.person(personID); !ok {
		return fmt.Errorf("%w: person %.64q", ErrUnknown, personID)
	}
	var codes []string
	if text := strings.TrimSpace(f.Get("codes")); text != "" {
		codes = []string{text}
	}
	return s.later(s.revoke(personID, appID, codes))
}

// actPush changes an account's push settings. The page does not show token and
// key, so empty fields keep them. An empty address removes the settings.
func (s *Server) actPush(f url.Values) error {
	a, ok := s.roster.account(f.Get("account"))
	if !ok {
		return fmt.Errorf("%w: account %.64q", ErrUnknown, f.Get("account"))
	}
	p := PushSettings{
		URL:    f.Get("url"),
		Token:  cmp.Or(f.Get("token"), a.Push.Token),
		AESKey: cmp.Or(f.Get("aes_key"), a.Push.AESKey),
		Mode:   PushMode(f.Get("mode")),
		Format: PushFormat(f.Get("format")),
	}
	if p.URL == "" {
		p = PushSettings{}
	}
	return s.SetPush(a.AppID, p)
}

// actCheck checks the push address. The log of pushes has the result.
func (s *Server) actCheck(f url.Values) error {
	a, err := s.pushable(f.Get("account"))
	if err != nil {
		return err
	}
	if !s.background(func() { _, _ = s.CheckPush(a.AppID) }) { // known and with an address
		return fmt.Errorf("%w: too many pushes are under way", ErrFull)
	}
	return nil
}
