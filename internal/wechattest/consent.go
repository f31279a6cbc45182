package wechattest

import (
	"html"
	"net/url"
	"regexp"
	"slices"
)

// SetConsent sets whether a person has recently authorised an account
// (近期登录过免授权; wechat-protocol A5): then snsapi_userinfo does not ask. It lasts
// until Withdraw.
func (s *Server) SetConsent(personID, appID string, given bool) {
	_, known := s.roster.account(appID)
	s.roster.mu.Lock()
	defer s.roster.mu.Unlock()
	if !known || s.roster.find(personID) < 0 {
		return
	}
	if key := (pair{personID, appID}); given {
		s.roster.consents[key] = true
	} else {
		delete(s.roster.consents, key)
	}
}

// Withdraw removes a person's authorisation of an account.
func (s *Server) Withdraw(personID, appID string) { s.SetConsent(personID, appID, false) }

// Consented reports whether a person has authorised an account and not
// withdrawn it.
func (s *Server) Consented(personID, appID string) bool {
	s.roster.mu.RLock()
	defer s.roster.mu.RUnlock()
	return s.roster.consents[pair{personID, appID}]
}

// SetFollow makes a person follow or unfollow an account. Errors: ErrUnknown.
func (s *Server) SetFollow(personID, appID string, follows bool) error {
	if _, ok := s.roster.account(appID); !ok {
		return ErrUnknown
	}
	return s.roster.change(personID, func(p *Person) {
		p.Follows = slices.DeleteFunc(p.Follows, func(id string) bool { return id == appID })
		if follows {
			p.Follows = append(p.Follows, appID)
		}
	})
}

// LeaveSnapshot is a tap on 使用完整服务: from now on the person sees the real popup,
// whatever asks for a 快照页, until InSnapshot is set again. Errors: ErrUnknown.
func (s *Server) LeaveSnapshot(personID string) error {
	if err := s.roster.change(personID, func(p *Person) { p.InSnapshot = false }); err != nil {
		return err
	}
	s.roster.mu.Lock()
	defer s.roster.mu.Unlock()
	s.roster.left[personID] = true
	return nil
}

func (s *Server) hasLeft(personID string) bool {
	s.roster.mu.RLock()
	defer s.roster.mu.RUnlock()
	return s.roster.left[personID]
}

// hiddenID matches the id in a consent page.
var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// ConsentLinks helps a test that plays the visitor. From the body of the
// consent page it returns the addresses (without host) of the buttons 允许 and
// 拒绝. ok is false for every other page.
func ConsentLinks(page string) (allow, refuse string, ok bool) {
	match := hiddenID.FindStringSubmatch(page)
	if match == nil {
		return "", "", false
	}
	link := consentPath + "?id=" + url.QueryEscape(html.UnescapeString(match[1])) + "&decision="
	return link + "allow", link + "refuse", true
}
