package wechattest

import (
	"crypto/subtle"
	"slices"
	"sync"
	"time"
)

// Lifetimes (wechat-protocol A4.1, A4.2).
const (
	tokenLife   = 7200 * time.Second
	refreshLife = 30 * 24 * time.Hour
	askLife     = 10 * time.Minute // how long a consent page can be answered
)

// grant is what a code or a token grants.
type grant struct {
	person   string
	appID    string
	scope    string
	snapshot bool
	// sessionKey is the session_key for the code of a wx.login.
	sessionKey string
}

type codeRecord struct {
	grant
	until time.Time
	used  bool
}

// tokenRecord is one sign-in: an access token, and the refresh token that
// renews it.
type tokenRecord struct {
	grant
	identity
	access        string
	refresh       string
	accessExpires time.Time
	refreshUntil  time.Time
	void          int // errcode: errcode after the person withdrew the authorisation or closed the account
}

// vault holds issued codes, tokens and keys. Everything in it is bounded.
type vault struct {
	mu      sync.Mutex
	codes   *shelf[*codeRecord]
	access  *shelf[*tokenRecord]
	refresh *shelf[*tokenRecord]
	asks    *shelf[ask] // consent pages that were shown
	qrs     *shelf[ask] // QR pages

	sessionKeys *shelf[string]        // of mini programs, by pair: the one of the last wx.login
	global      *shelf[*globalToken]  // tokens for /cgi-bin and /wxa
	current     map[string]*globalSet // by app id

	tickets *shelf[qrTicket] // codes to follow an account, by ticket
	follows *shelf[qrTicket] // the same by the address in the code

	doubles *shelf[struct{}] // authorize queries that came without connect_redirect
	issued  *shelf[struct{}] // every secret string
}

func newVault(limit int) *vault {
	return &vault{
		codes:   newShelf[*codeRecord](limit),
		access:  newShelf[*tokenRecord](limit),
		refresh: newShelf[*tokenRecord](limit),
		asks:    newShelf[ask](limit),
		qrs:     newShelf[ask](limit),

		sessionKeys: newShelf[string](limit),
		global:      newShelf[*globalToken](limit),
		current:     map[string]*globalSet{},

		tickets: newShelf[qrTicket](min(limit, maxCalls)),
		follows: newShelf[qrTicket](min(limit, maxCalls)),

		doubles: newShelf[struct{}](min(limit, maxCalls)),
		issued:  newShelf[struct{}](3*limit + maxAccounts),
	}
}

// issue records an issued secret string.
func (v *vault) issue(secret string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.issued.put(secret, struct{}{})
}

// newCode issues a code with the lifetime of its kind of account.
func (s *Server) newCode(g grant) string {
	a, _ := s.roster.account(g.appID)
	return s.vault.newCode(g, a.Kind.codeLife())
}

// newCode issues a code.
func (v *vault) newCode(g grant, life time.Duration) string {
	code := newCode()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.codes.put(code, &codeRecord{grant: g, until: time.Now().Add(life)})
	v.issued.put(code, struct{}{})
	return code
}

// spend exchanges a code for its grant. A code of another account, or of
// another surface, is not spent.
func (v *vault) spend(code, appID string, on surface) (grant, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	record, ok := v.codes.get(code)
	switch {
	case !ok || record.appID != appID || surfaceOf(record.scope) != on:
		return grant{}, 40029
	case record.used:
		return grant{}, 40163
	case time.Now().After(record.until):
		return grant{}, on.expired()
	}
	record.used = true
	return record.grant, 0
}

// newTokens issues an access token and a refresh token.
func (v *vault) newTokens(g grant, who identity) tokenRecord {
	now := time.Now()
	record := &tokenRecord{
		grant: g, identity: who, access: newToken(), refresh: newToken(),
		accessExpires: now.Add(tokenLife), refreshUntil: now.Add(refreshLife),
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.access.put(record.access, record)
	v.refresh.put(record.refresh, record)
	v.issued.put(record.access, struct{}{})
	v.issued.put(record.refresh, struct{}{})
	return *record
}

// renew extends an access token, or replaces an expired one (wechat-protocol
// A4.2).
func (v *vault) renew(refresh, appID string) (tokenRecord, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	record, ok := v.refresh.get(refresh)
	now := time.Now()
	switch {
	case !ok || record.appID != appID:
		return tokenRecord{}, 40030
	case record.void != 0:
		return tokenRecord{}, record.void
	case now.After(record.refreshUntil):
		return tokenRecord{}, 42002
	}
	if now.After(record.accessExpires) {
		// The old, expired token stays on the shelf.
		fresh := *record
		fresh.access = newToken()
		record = &fresh
		v.access.put(record.access, record)
		v.refresh.put(refresh, record)
		v.issued.put(record.access, struct{}{})
	}
	record.accessExpires = now.Add(tokenLife)
	return *record, 0
}

// lookup returns the sign-in of an access token.
func (v *vault) lookup(access string) (tokenRecord, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	record, ok := v.access.get(access)
	switch {
	case !ok || record.void == 40030:
		return tokenRecord{}, 40001
	case record.void != 0:
		return *record, record.void
	case time.Now().After(record.accessExpires):
		return *record, 42001
	}
	return *record, 0
}

// same compares secrets in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Issued returns all issued secret strings and the secrets of the accounts: a
// test searches for them in logs and pages. The newest 300 000 are kept.
func (s *Server) Issued() []string {
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	return s.vault.issued.keys()
}

// IssueCode issues a code without any page, as if the person had just
// authorised the account, for example the second code of a double callback. It
// returns "" for an unknown person or account, or a scope that the account's
// kind does not have.
func (s *Server) IssueCode(personID, appID, scope string) string {
	person, knownPerson := s.roster.person(personID)
	account, known := s.roster.account(appID)
	if !knownPerson || person.Closed || !known || !slices.Contains(account.Kind.scopes(), scope) {
		return ""
	}
	return s.newCode(grant{person: personID, appID: appID, scope: scope})
}
