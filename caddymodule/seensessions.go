package caddymodule

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/sessionlist"
	"github.com/caddy-wechat/gateway/session"
)

// seenSessions lists the sealed sessions that this gateway has seen since it
// started, or since its session keys or times were configured anew. Cookies
// that were not sent since then are valid, but not listed.
type seenSessions struct {
	list   *sessionlist.List
	sealed *session.Sealed
}

// over reports whether a listed session is not valid any more.
func (s *seenSessions) over(one *session.Session) bool {
	book, ok := s.sealed.Tombstones.(session.PersonTombstones)
	return !time.Now().Before(s.sealed.Policy.Expires(one)) || one.Over(s.sealed.Tombstones.Ended) != nil ||
		ok && one.EndedBy(book.PersonEnded(one.Person))
}

// sessions returns the listed sessions of a person.
func (s *seenSessions) sessions(person string) (all []sessionSummary) {
	for _, one := range s.list.Of(person, s.sealed.Withdrawn(), s.over) {
		all = append(all, sessionSummary{
			ID: sessionlist.Name(&one), Site: one.Site, AppID: one.AppID, Scope: one.Scope,
			Created: one.Created, Renewed: one.Renewed, Expires: s.sealed.Policy.Expires(&one), SeenHere: true,
		})
	}
	return all
}

// endID ends a listed session, and with it the earlier sessions of its browser,
// and reports whether it was listed.
func (s *seenSessions) endID(ctx context.Context, id string, store session.Store) (found bool, err error) {
	one, found, err := s.list.Find(id)
	if err != nil || !found || s.over(&one) {
		return false, err
	}
	return true, store.End(ctx, &one)
}

// forget removes an erased person's sessions. On nil it does nothing.
func (s *seenSessions) forget(persons []string) {
	if s == nil {
		return
	}
	for _, id := range persons {
		s.list.ForgetPerson(id)
	}
}
