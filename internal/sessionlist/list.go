package sessionlist

import (
	"container/list"
	"crypto/sha256"
	"encoding/base64"
	"sync"

	"github.com/caddy-wechat/gateway/session"
)

const (
	// maxSessions bounds the list. An entry takes about 500 bytes.
	maxSessions = 32_768
	// maxOfPerson bounds the sessions of one person (attack: one visitor who
	// signs in again and again pushes all others out of the list).
	maxOfPerson = 64
)

// nameLength is the length of the name of a session: 14 bytes in base64.
const nameLength = 19

type name [14]byte

// List holds the sessions that this process has seen lately, at most 32,768,
// and 64 of one person. The zero value is ready.
type List struct {
	mu     sync.Mutex
	byName map[name]*list.Element
	of     map[string]map[name]struct{} // by person
	recent list.List                    // of entries, the one seen last first
}

// entry is a listed session.
type entry struct {
	session session.Session // without its openid: the list needs none
	keys    uint64          // see Note
}

// nameOf returns the name of a session. It is not the session's own id, which
// stores and tickets know it by.
func nameOf(id session.ID) (n name) {
	sum := sha256.Sum256(append([]byte("seen session/"), id[:]...))
	copy(n[:], sum[:])
	return n
}

// Name returns the text by which [List.Find] finds a session: 19 characters
// of A-Z a-z 0-9 - and _.
func Name(s *session.Session) string {
	n := nameOf(s.ID)
	return base64.RawURLEncoding.EncodeToString(n[:])
}

// Note adds a session, or its new times. keys is the number of keys that were
// withdrawn before the session was read; see [List.Of]. A guest, who has no
// person, is not listed.
func (l *List) Note(s *session.Session, keys uint64) {
	if s.Person == "" {
		return
	}
	e := entry{*s, keys}
	e.session.OpenID = ""
	n := nameOf(s.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, known := l.byName[n]; known {
		at.Value = e
		l.recent.MoveToFront(at)
		return
	}
	if l.byName == nil {
		l.byName, l.of = make(map[name]*list.Element), make(map[string]map[name]struct{})
	}
	if len(l.of[s.Person]) >= maxOfPerson {
		l.remove(l.oldestOf(s.Person))
	}
	if l.recent.Len() >= maxSessions {
		l.remove(l.recent.Back())
	}
	l.byName[n] = l.recent.PushFront(e)
	if l.of[s.Person] == nil {
		l.of[s.Person] = make(map[name]struct{}, 1)
	}
	l.of[s.Person][n] = struct{}{}
}

// oldestOf returns the session of a person that was renewed first.
func (l *List) oldestOf(person string) (oldest *list.Element) {
	for n := range l.of[person] {
		at := l.byName[n]
		if oldest == nil || at.Value.(entry).session.Renewed.Before(oldest.Value.(entry).session.Renewed) {
			oldest = at
		}
	}
	return oldest
}

// remove removes an entry. The caller holds the lock.
func (l *List) remove(at *list.Element) {
	if at == nil {
		return
	}
	s := l.recent.Remove(at).(entry).session
	n := nameOf(s.ID)
	delete(l.byName, n)
	if delete(l.of[s.Person], n); len(l.of[s.Person]) == 0 {
		delete(l.of, s.Person)
	}
}

// Of returns the listed sessions of a person. It forgets those for which over
// is true, and those that were read before the last of the keys was withdrawn:
// they may be sealed by it, and are listed again when they are seen again.
func (l *List) Of(person string, keys uint64, over func(*session.Session) bool) (all []session.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range l.of[person] {
		at := l.byName[n]
		e := at.Value.(entry)
		if e.keys != keys || over(&e.session) {
			l.remove(at)
			continue
		}
		all = append(all, e.session)
	}
	return all
}

// Find returns the listed session with this name. Errors: session.ErrInvalid if
// the text is not a name.
func (l *List) Find(text string) (s session.Session, found bool, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) != nameLength {
		return s, false, session.ErrInvalid
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, found := l.byName[name(raw)]
	if found {
		s = at.Value.(entry).session
	}
	return s, found, nil
}

// Forget removes a session.
func (l *List) Forget(id session.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(l.byName[nameOf(id)])
}

// ForgetPerson removes all sessions of a person.
func (l *List) ForgetPerson(person string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range l.of[person] {
		l.remove(l.byName[n])
	}
}

// Len returns how many sessions are listed.
func (l *List) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent.Len()
}
