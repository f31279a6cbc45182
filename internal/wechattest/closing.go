package wechattest

import (
	"errors"
	"fmt"
)

// cleanNickname is what WeChat gives a person whose nickname it has removed.
const cleanNickname = "微信用户"

// CloseAccount closes a person's WeChat account for good: no client can sign in
// as this person any more, every token is void, and every account that the
// person has signed in to gets user_authorization_cancellation in the
// background. Pushes returns the results. Errors: ErrUnknown, ErrFull.
func (s *Server) CloseAccount(personID string) error {
	err := s.roster.change(personID, func(p *Person) { p.Closed, p.Follows = true, nil })
	if err != nil {
		return err
	}
	return s.tellAll(personID, s.cancel)
}

// CleanProfile removes a nickname and an avatar that break WeChat's rules, and
// sends user_info_modified in the background to every account that the person
// has signed in to. Errors: ErrUnknown, ErrFull.
func (s *Server) CleanProfile(personID string) error {
	err := s.roster.change(personID, func(p *Person) { p.Nickname, p.AvatarURL = cleanNickname, "" })
	if err != nil {
		return err
	}
	return s.tellAll(personID, func(personID, appID string) (outgoing, error) {
		return s.accountEvent(personID, appID, "user_info_modified")
	})
}

// tellAll pushes an event to every account that knows a person.
func (s *Server) tellAll(personID string, event func(personID, appID string) (outgoing, error)) error {
	var all []error
	for _, a := range s.Accounts() {
		if s.met(personID, a.AppID) {
			all = append(all, s.later(event(personID, a.AppID)))
		}
	}
	return errors.Join(all...)
}

func ignoreNoPush(err error) error {
	if errors.Is(err, ErrNoPush) {
		return nil
	}
	return err
}

// met reports whether an account knows a person.
func (s *Server) met(personID, appID string) bool {
	s.roster.mu.RLock()
	defer s.roster.mu.RUnlock()
	return s.roster.known[pair{personID, appID}]
}

// meet notes that an account knows a person.
func (s *Server) meet(personID, appID string) {
	s.roster.mu.Lock()
	defer s.roster.mu.Unlock()
	if s.roster.find(personID) >= 0 {
		s.roster.known[pair{personID, appID}] = true
	}
}

// void removes a person's consent to an account, and invalidates everything
// that was issued: tokens answer errcode from now on, codes 40029.
func (s *Server) void(personID, appID string, errcode int) {
	s.Withdraw(personID, appID)
	s.vault.void(pair{personID, appID}, errcode)
}

// void invalidates what was issued for a person at an account. The code that
// WeChat answers after a withdrawal is not documented; both are in its table.
func (v *vault) void(p pair, errcode int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, tokens := range []*shelf[*tokenRecord]{v.access, v.refresh} {
		for _, record := range tokens.items {
			if record.person == p.person && record.appID == p.appID {
				record.void = errcode
			}
		}
	}
	for code, record := range v.codes.items {
		if record.person == p.person && record.appID == p.appID {
			v.codes.take(code)
		}
	}
	v.sessionKeys.take(p.key())
}

// key returns a unique text for a pair. No app id contains a zero byte.
func (p pair) key() string { return fmt.Sprintf("%s\x00%s", p.appID, p.person) }
