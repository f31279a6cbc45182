// Package ledgertest holds the contract of ledger.Ledger as a test suite that
// any implementation can run.
package ledgertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Subject is one empty ledger under test.
type Subject struct {
	Ledger ledger.Ledger
	// Reopen closes Ledger, and opens another over the same store in its place.
	Reopen func(t *testing.T)
	// Limit sets the limits of Ledger's outbox until Reopen.
	Limit func(waiting, dead int)
	// Check reports the first contradiction between the records and the indexes
	// of the store.
	Check func() error
}

// Run runs the whole contract. open returns a new subject, and closes it when
// its test ends.
func Run(t *testing.T, open func(t *testing.T) *Subject) {
	for _, c := range slices.Concat(identity, identities, conflicts, details, persons, lists, moving, tombstones, everyone, bans, outbox, telling, erasures, waitingLongest, letters, postal, bounds, withdrawals, pushes, followings, possessions, crowds) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &subject{Subject: open(t)}
			c.run(t, s)
			s.Reopen(t) // only stored data count
			if err := s.Check(); err != nil {
				t.Errorf("the store contradicts itself afterwards: %v", err)
			}
		})
	}
}

type contract struct {
	name string
	run  func(*testing.T, *subject)
}

// subject adds helpers for the tests.
type subject struct{ *Subject }

// t0 is the start of the tests; later times are minutes after it.
var t0 = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }

func (s *subject) see(t *testing.T, in ledger.Observation) ledger.Person {
	t.Helper()
	p, err := s.Ledger.Observe(t.Context(), in)
	if err != nil {
		t.Fatalf("Observe(%+v): %v", in, err)
	}
	return p
}

func (s *subject) find(t *testing.T, id string) ledger.Person {
	t.Helper()
	p, err := s.Ledger.Find(t.Context(), id)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return p
}

// same fails unless every name of the person leads to it.
func (s *subject) same(t *testing.T, p ledger.Person) {
	t.Helper()
	if q := s.find(t, p.ID); q.ID != p.ID || q.Version != p.Version {
		t.Errorf("Find gives %s version %d, want %s version %d", q.ID, q.Version, p.ID, p.Version)
	}
	for _, a := range p.Accounts {
		if q, err := s.Ledger.FindOpenID(t.Context(), a.AppID, a.OpenID); err != nil || q.ID != p.ID {
			t.Errorf("FindOpenID(%s, %s) = %s, %v, want %s", a.AppID, a.OpenID, q.ID, err, p.ID)
		}
	}
	for _, id := range p.Merged {
		if q := s.find(t, id); q.ID != p.ID {
			t.Errorf("the merged id %s leads to %s, want %s", id, q.ID, p.ID)
		}
	}
	if p.UnionID == "" {
		return
	}
	if q, err := s.Ledger.FindUnionID(t.Context(), p.UnionID); err != nil || q.ID != p.ID {
		t.Errorf("FindUnionID(%s) = %s, %v, want %s", p.UnionID, q.ID, err, p.ID)
	}
}

func (s *subject) calls(ctx context.Context) map[string]func() error {
	return map[string]func() error{
		"See": func() error {
			_, err := s.Ledger.Observe(ctx, ledger.Observation{AppID: "wxA", OpenID: "oNew", At: at(0)})
			return err
		},
		"Ready":       func() error { return s.Ledger.Ready(ctx) },
		"Find":        func() error { _, err := s.Ledger.Find(ctx, anID); return err },
		"FindOpenID":  func() error { _, err := s.Ledger.FindOpenID(ctx, "wxA", "oNew"); return err },
		"FindUnionID": func() error { _, err := s.Ledger.FindUnionID(ctx, "uNew"); return err },
		"EndPerson":   func() error { return s.Ledger.EndPerson(ctx, anID, time.Now(), time.Now().Add(time.Hour)) },
		"Follow": func() error {
			_, err := s.Ledger.Follow(ctx, ledger.Following{AppID: "wxA", OpenID: "oNew", Follow: ledger.Follows})
			return err
		},
		"Erase":     func() error { return s.Ledger.Erase(ctx, anID) },
		"Export":    func() error { _, err := s.Ledger.Export(ctx, anID); return err },
		"Walk":      func() error { return s.Ledger.Walk(ctx, func(ledger.Person) error { return nil }) },
		"Import":    func() error { return s.Ledger.Import(ctx, aPerson()) },
		"Tell":      func() error { return s.Ledger.Tell(ctx, ledger.Event{Kind: ledger.Declined}) },
		"Due":       func() error { _, _, err := s.Ledger.Due(ctx, crm, time.Now(), 1); return err },
		"Sent":      func() error { return s.Ledger.Sent(ctx, crm, anID) },
		"Postpone":  func() error { return s.Ledger.Postpone(ctx, crm, anID, time.Now(), "") },
		"Bury":      func() error { return s.Ledger.Bury(ctx, crm, anID, "") },
		"Waiting":   func() error { _, _, err := s.Ledger.Waiting(ctx, crm); return err },
		"Oldest":    func() error { _, err := s.Ledger.Oldest(ctx, crm); return err },
		"Dead":      func() error { _, err := s.Ledger.Dead(ctx, crm, "", 1); return err },
		"Pending":   func() error { _, err := s.Ledger.Pending(ctx, crm, 1); return err },
		"Letter":    func() error { _, _, err := s.Ledger.Letter(ctx, crm, anID); return err },
		"Purge":     func() error { _, err := s.Ledger.Purge(ctx, crm, ""); return err },
		"Redeliver": func() error { _, err := s.Ledger.Redeliver(ctx, crm, ""); return err },
		"Lease":     func() error { _, err := s.Ledger.Lease(ctx, crm, "me", time.Minute); return err },
		"Expire":    func() error { return s.Ledger.Expire(ctx, crm) },
		"Release":   func() error { return s.Ledger.Release(ctx, crm, "me") },
		"Renew":     func() error { return s.Ledger.Renew(ctx, ledger.Observation{AppID: "wxA", OpenID: "oNew"}) },
		"Withdraw": func() error {
			_, _, err := s.Ledger.Withdraw(ctx, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oNew"})
			return err
		},
		"List":         func() error { _, _, err := s.Ledger.List(ctx, "", 1); return err },
		"Count":        func() error { _, err := s.Ledger.Count(ctx); return err },
		"FindNickname": func() error { _, err := s.Ledger.FindNickname(ctx, "n", 1); return err },
		"Inactive":     func() error { _, err := s.Ledger.Inactive(ctx, time.Now(), 1); return err },
		"EraseInactive": func() error {
			_, err := s.Ledger.EraseInactive(ctx, anID, time.Now())
			return err
		},
		"Verify":     func() error { _, err := s.Ledger.Verify(ctx, ""); return err },
		"EndSession": func() error { return s.Ledger.EndSession(ctx, [16]byte{1}, time.Now().Add(time.Hour)) },
		"WalkEnded":  func() error { return s.Ledger.WalkEnded(ctx, func(ledger.Tombstone) error { return nil }) },
		"Ban":        func() error { return s.Ledger.Ban(ctx, anID, time.Now()) },
		"Unban":      func() error { return s.Ledger.Unban(ctx, anID) },
		"ListBans":   func() error { _, err := s.Ledger.ListBans(ctx); return err },
		"ImportBan": func() error {
			return s.Ledger.ImportBan(ctx, ledger.Ban{ID: anID, At: at(0), Marks: []ledger.Mark{{1}}})
		},
		"ImportEnded": func() error { return s.Ledger.ImportEnded(ctx, ledger.Tombstone{Until: soon()}) },
	}
}

const anID = "abcdefghijklmnopqrstuvwxyz" // well-formed, but of no person

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// aPerson is a person that another ledger could have made.
func aPerson() ledger.Person {
	return ledger.Person{
		ID: "abcdefghijklmnopqrstuvwxya", Version: 1, FirstSeen: at(0), LastSeen: at(0),
		Accounts: []ledger.Account{{AppID: "wxA", OpenID: "oNew", FirstSeen: at(0), LastSeen: at(0)}},
	}
}
