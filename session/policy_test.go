package session_test

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

const day = 24 * time.Hour

func TestPolicyExpires(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		policy  session.Policy
		renewed time.Duration // after start
		guest   bool
		want    time.Duration // after start
	}{
		{"defaults", session.Policy{}, 0, false, 7 * day},
		{"defaults, renewed", session.Policy{}, 5 * day, false, 12 * day},
		{"defaults, near the end", session.Policy{}, 29 * day, false, 30 * day},
		{"own times", session.Policy{Idle: time.Hour, Lifetime: day}, 0, false, time.Hour},
		{"idle beyond lifetime", session.Policy{Idle: 60 * day, Lifetime: day}, 0, false, day},
		{"negative means default", session.Policy{Idle: -1, Lifetime: -1}, 0, false, 7 * day},
		{"guest", session.Policy{}, 0, true, 10 * time.Minute},
		{"guest, renewed", session.Policy{}, 5 * time.Minute, true, 10 * time.Minute},
		{"guest, short lifetime", session.Policy{Lifetime: time.Minute}, 0, true, time.Minute},
		{"guest, short idle", session.Policy{Idle: time.Minute}, 0, true, 10 * time.Minute},
	} {
		s := &session.Session{Guest: c.guest, Created: start, Renewed: start.Add(c.renewed)}
		if got := c.policy.Expires(s).Sub(start); got != c.want {
			t.Errorf("%s: expires after %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPolicyDue(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name         string
		policy       session.Policy
		renewed, now time.Duration // after start
		guest        bool
		want         bool
	}{
		{"at once", session.Policy{}, 0, 0, false, false},
		{"before an eighth of idle", session.Policy{}, 0, 21*time.Hour - 1, false, false},
		{"at an eighth of idle", session.Policy{}, 0, 21 * time.Hour, false, true},
		{"just before it expires", session.Policy{}, 0, 7*day - 1, false, true},
		{"when it has expired", session.Policy{}, 0, 7 * day, false, false},
		{"long idle, a day", session.Policy{Idle: 80 * day, Lifetime: 300 * day}, 0, day, false, true},
		{"long idle, under a day", session.Policy{Idle: 80 * day, Lifetime: 300 * day}, 0, day - 1, false, false},
		{"nothing to win", session.Policy{}, 23 * day, 26 * day, false, false},
		{"a little to win", session.Policy{}, 23*day - time.Second, 26 * day, false, true},
		{"a guest", session.Policy{}, 0, 9 * time.Minute, true, false},
		{"a guest with short idle", session.Policy{Idle: time.Minute}, 0, 9 * time.Minute, true, false},
		{"a clock that went back", session.Policy{}, day, 0, false, false},
	} {
		s := &session.Session{Guest: c.guest, Created: start, Renewed: start.Add(c.renewed)}
		if got := c.policy.Due(s, start.Add(c.now)); got != c.want {
			t.Errorf("%s: due is %t, want %t", c.name, got, c.want)
		}
	}
}

// A session that is visited daily lives to the end of its lifetime, with few
// renewals.
func TestPolicyRenewals(t *testing.T) {
	t.Parallel()
	var p session.Policy
	s := newSession()
	renewals := 0
	for now := s.Created; now.Before(p.Expires(s)); now = now.Add(10 * time.Minute) {
		if p.Due(s, now) {
			s.Renewed = now
			renewals++
		}
	}
	if lived := p.Expires(s).Sub(s.Created); lived != session.DefaultLifetime {
		t.Errorf("it lived %s", lived)
	}
	if renewals == 0 || renewals > 30 {
		t.Errorf("it was renewed %d times", renewals)
	}
}
