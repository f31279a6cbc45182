package caddymodule

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// measuredSessions counts the calls of a session store without a cache. Those
// of a [session.CachedStore] are counted behind its cache.
type measuredSessions struct{ session.Store }

// Load implements session.Store.
func (m measuredSessions) Load(ctx context.Context, value string, b session.Binding) (*session.Session, error) {
	begun := time.Now()
	s, err := m.Store.Load(ctx, value, b)
	counts.timed(storeSessions, session.CallLoad, begun, err)
	return s, err
}

// Save implements session.Store.
func (m measuredSessions) Save(ctx context.Context, s *session.Session) (string, error) {
	begun := time.Now()
	value, err := m.Store.Save(ctx, s)
	counts.timed(storeSessions, session.CallSave, begun, err)
	return value, err
}

// Renew implements session.Store.
func (m measuredSessions) Renew(ctx context.Context, s *session.Session) (string, error) {
	begun := time.Now()
	value, err := m.Store.Renew(ctx, s)
	counts.timed(storeSessions, session.CallRenew, begun, err)
	return value, err
}

// End implements session.Store.
func (m measuredSessions) End(ctx context.Context, s *session.Session) error {
	begun := time.Now()
	err := m.Store.End(ctx, s)
	counts.timed(storeSessions, session.CallEnd, begun, err)
	return err
}

// Replace implements session.Store.
func (m measuredSessions) Replace(ctx context.Context, s *session.Session) error {
	begun := time.Now()
	err := m.Store.Replace(ctx, s)
	counts.timed(storeSessions, session.CallReplace, begun, err)
	return err
}
