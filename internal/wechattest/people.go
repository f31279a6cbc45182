package wechattest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// roster holds the accounts, the persons, their consent, and the person who
// holds the phone.
type roster struct {
	mu       sync.RWMutex
	accounts []Account
	persons  []Person
	phone    string
	consents map[pair]bool
	// left holds the persons who tapped 使用完整服务: they see the real popup even if
	// a snapshot is requested.
	left map[string]bool
	// known holds which accounts know which persons.
	known map[pair]bool
	// oldPushes holds the push settings before the last change, by app id.
	oldPushes map[string]PushSettings
}

type pair struct{ person, appID string }

func build(c Config) (*roster, error) {
	r := &roster{
		consents: map[pair]bool{}, left: map[string]bool{}, known: map[pair]bool{}, oldPushes: map[string]PushSettings{},
	}
	for _, a := range c.Accounts {
		if _, ok := r.account(a.AppID); ok {
			return nil, fmt.Errorf("%w: account %s", ErrExists, a.AppID)
		}
		if err := r.addAccount(a); err != nil {
			return nil, err
		}
	}
	for _, p := range c.Persons {
		if err := r.addPerson(p); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *roster) account(appID string) (Account, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, a := range r.accounts {
		if a.AppID == appID {
			return a, true
		}
	}
	return Account{}, false
}

func (r *roster) addAccount(a Account) error {
	if err := a.check(); err != nil {
		return err
	}
	a.CallbackDomains = slices.Clone(a.CallbackDomains)
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.accounts, func(b Account) bool { return a.AppID == b.AppID }); i >= 0 {
		r.rotate(r.accounts[i], a)
		r.accounts[i] = a
		return nil
	}
	if len(r.accounts) >= maxAccounts {
		return ErrFull
	}
	r.accounts = append(r.accounts, a)
	return nil
}

// find returns the index of a person, or -1. The caller holds the lock.
func (r *roster) find(id string) int {
	return slices.IndexFunc(r.persons, func(p Person) bool { return p.ID == id })
}

func (r *roster) person(id string) (Person, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := r.find(id)
	if i < 0 {
		return Person{}, false
	}
	return r.persons[i].clone(), true
}

func (p Person) clone() Person {
	p.Follows = slices.Clone(p.Follows)
	return p
}

func (r *roster) addPerson(p Person) error {
	if err := p.check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.find(p.ID) >= 0:
		return fmt.Errorf("%w: person %q", ErrExists, p.ID)
	case len(r.persons) >= maxPersons:
		return ErrFull
	case len(r.persons) == 0:
		r.phone = p.ID
	}
	r.persons = append(r.persons, p.clone())
	return nil
}

// change applies f to a person.
func (r *roster) change(id string, f func(*Person)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.find(id)
	if i < 0 {
		return fmt.Errorf("%w: person %q", ErrUnknown, id)
	}
	p := r.persons[i].clone()
	f(&p)
	p.ID = id
	if err := p.check(); err != nil {
		return err
	}
	if r.persons[i] = p; p.InSnapshot {
		delete(r.left, id)
	}
	return nil
}

// issueSecrets remembers the secrets of an account.
func (s *Server) issueSecrets(a Account) {
	for _, secret := range []string{a.Secret, a.Push.Token, a.Push.AESKey} {
		if secret != "" {
			s.vault.issue(secret)
		}
	}
}

// AddAccount adds an account, or replaces the one with the same app id, for
// example to bind it to a platform later. Errors: ErrBadAccount, ErrFull.
func (s *Server) AddAccount(a Account) error {
	if err := s.roster.addAccount(a); err != nil {
		return err
	}
	s.issueSecrets(a)
	return nil
}

// Accounts returns a copy of the accounts, in the order in which they were
// added.
func (s *Server) Accounts() []Account {
	s.roster.mu.RLock()
	defer s.roster.mu.RUnlock()
	all := slices.Clone(s.roster.accounts)
	for i := range all {
		all[i].CallbackDomains = slices.Clone(all[i].CallbackDomains)
	}
	return all
}

// AddPerson adds a person. Errors: ErrBadPerson, ErrExists, ErrFull.
func (s *Server) AddPerson(p Person) error { return s.roster.addPerson(p) }

// UpdatePerson replaces the person with p's ID. Errors: ErrUnknown,
// ErrBadPerson.
func (s *Server) UpdatePerson(p Person) error {
	return s.roster.change(p.ID, func(old *Person) { *old = p.clone() })
}

// Persons returns a copy of the persons, in the order in which they were added.
func (s *Server) Persons() []Person {
	s.roster.mu.RLock()
	defer s.roster.mu.RUnlock()
	all := slices.Clone(s.roster.persons)
	for i := range all {
		all[i] = all[i].clone()
	}
	return all
}

const phoneCookie = "sim_phone"

// PhoneCookie returns the cookie that makes a browser the phone of a person.
// The browser sends it only to the simulator.
func (s *Server) PhoneCookie(personID string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // names the person of a simulated phone on loopback, often without TLS
		Name: phoneCookie, Value: url.QueryEscape(personID), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// SetPhone sets the person who holds the phones without a cookie. Default: the
// first person. An unknown ID changes nothing.
func (s *Server) SetPhone(personID string) {
	s.roster.mu.Lock()
	defer s.roster.mu.Unlock()
	if s.roster.find(personID) >= 0 {
		s.roster.phone = personID
	}
}

// holder returns the person who holds the phone that sent a request.
func (s *Server) holder(r *http.Request) (Person, bool) {
	if c, err := r.Cookie(phoneCookie); err == nil {
		if id, err := url.QueryUnescape(c.Value); err == nil {
			if p, ok := s.roster.person(id); ok {
				return p, true
			}
		}
	}
	s.roster.mu.RLock()
	phone := s.roster.phone
	s.roster.mu.RUnlock()
	return s.roster.person(phone)
}
