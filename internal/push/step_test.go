package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// stub is a ledger that misbehaves as told: a real one cannot be made slow at
// will.
type stub struct {
	mu    sync.Mutex
	calls int
	do    func(call int, ctx context.Context, w ledger.Withdrawal) (bool, error)

	follow func(f ledger.Following) error // nil: no person is known
}

func (l *stub) Follow(_ context.Context, f ledger.Following) (ledger.Person, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.follow == nil {
		return ledger.Person{}, ledger.ErrNotFound
	}
	err := l.follow(f)
	return ledger.Person{ID: "p", Accounts: []ledger.Account{{AppID: f.AppID, OpenID: f.OpenID, Follow: f.Follow, FollowPushed: f.Pushed}}}, err
}

func (l *stub) Withdraw(ctx context.Context, w ledger.Withdrawal) (ledger.Person, bool, error) {
	l.mu.Lock()
	l.calls++
	call := l.calls
	l.mu.Unlock()
	done, err := l.do(call, ctx, w)
	return ledger.Person{ID: "p"}, done, err
}

func (l *stub) FindUnionID(context.Context, string) (ledger.Person, error) {
	return ledger.Person{}, ledger.ErrNotFound
}

// stubbed is a scene in fake time before such a ledger.
func stubbed(t *testing.T, do func(call int, ctx context.Context, w ledger.Withdrawal) (bool, error)) (*scene, *stub) {
	l := &stub{do: do}
	s := &scene{t: t, log: new(record), account: &Account{
		Name: "main", Kind: wechat.OfficialAccount, Counts: new(Counts),
		Keys: wechat.PushKeys{Tokens: secrets(testToken), AESKeys: secrets(testAES), AppID: testAppID},
	}}
	s.Handler = &Handler{Ledger: l, Accounts: map[string]*Account{"main": s.account}, Journal: new(notes)}
	return s, l
}

func revokeOf(openID string) fields {
	return eventOf(wechat.PushRevoke, openID).with("RevokeInfo", "205")
}

// A ledger that is slow: WeChat waits 3 s, the step goes on, and is done once.
func TestSlowLedgerAnswersInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) {
			time.Sleep(20 * time.Second)
			return true, nil
		})
		began := time.Now()
		p := safe(t, revokeOf("oPerson1"))
		s.success(p)
		if took := time.Since(began); took != stepPatience {
			t.Errorf("answered after %v", took)
		}
		time.Sleep(2 * time.Second)
		s.success(p) // WeChat's second try, while the first is not done
		if s.account.Counts.Late.Load() != 2 || s.account.Counts.Acted.Load() != 0 || s.account.Counts.Waiting.Load() != 1 {
			t.Error("not counted")
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s.account.Counts.Acted.Load() != 1 || s.account.Counts.Waiting.Load() != 0 || l.calls != 1 {
			t.Errorf("%d calls", l.calls)
		}
	})
}

// A push that arrives again while its step is under way waits for that step: it
// must not be told `success` for something that may still fail with the
// process.
func TestRepeatedPushWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) {
			time.Sleep(2 * time.Second)
			return true, nil
		})
		p := safe(t, revokeOf("oPerson1"))
		go s.push(p)
		synctest.Wait()
		began := time.Now()
		s.success(p)
		if took := time.Since(began); took != 2*time.Second || l.calls != 1 {
			t.Errorf("answered after %v, %d calls", took, l.calls)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A ledger that is unavailable: success within the time, and tried until it is
// done. That an earlier try had been done after all is no reason not to clean
// up.
func TestUnavailableLedgerIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		s, l := stubbed(t, func(_ int, _ context.Context, w ledger.Withdrawal) (bool, error) {
			if !w.At.Equal(begun) {
				t.Errorf("at %v", w.At)
			}
			if time.Since(begun) < time.Hour {
				return false, ledger.ErrUnavailable
			}
			return false, nil // "seen before"
		})
		cleaned := 0
		s.EndSessions = func(_ context.Context, _ ledger.Person, at time.Time) error {
			if cleaned++; !at.Equal(begun) {
				t.Errorf("sessions of %v end", at)
			}
			return errors.New("away")
		}
		s.success(safe(t, revokeOf("oPerson1")))
		if took := time.Since(begun); took != stepPatience {
			t.Errorf("answered after %v", took)
		}
		time.Sleep(2 * time.Hour)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if l.calls < 3000 || l.calls > 3700 || cleaned != endTries {
			t.Errorf("%d calls, cleaned %d times", l.calls, cleaned)
		}
		if s.account.Counts.Acted.Load() != 1 || s.account.Counts.Retried.Load() != uint64(l.calls-1) {
			t.Error("not counted")
		}
	})
}

// Outcomes that no repetition changes are not repeated.
func TestFinalOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		lost bool
	}{"nobody": {ledger.ErrNotFound, false}, "invalid": {ledger.ErrInvalid, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, l := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) { return false, c.err })
				s.EndSessions = func(context.Context, ledger.Person, time.Time) error { t.Error("cleaned up"); return nil }
				s.success(safe(t, revokeOf("oPerson1")))
				if err := s.Close(t.Context()); errors.Is(err, ErrLost) != c.lost || l.calls != 1 {
					t.Errorf("%v, %d calls", err, l.calls)
				}
			})
		})
	}
}

// Closing gives what waits one last try, and says what was lost. Afterwards
// nothing is taken: the next instance is asked again.
func TestCloseTriesOnceMore(t *testing.T) {
	for name, back := range map[string]bool{"the ledger is back": true, "it is not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var available atomic.Bool
				s, _ := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) {
					if available.Load() {
						return true, nil
					}
					return false, ledger.ErrUnavailable
				})
				s.Journal = nil
				for i := range 100 {
					go s.push(safe(t, revokeOf(fmt.Sprint("oPerson", i))))
				}
				time.Sleep(10 * time.Minute)
				available.Store(back)
				began := time.Now()
				err := s.Close(t.Context())
				if took := time.Since(began); errors.Is(err, ErrLost) == back || took != 0 {
					t.Errorf("%v after %v", err, took)
				}
				if lost := s.account.Counts.Lost.Load(); lost != map[bool]uint64{true: 0, false: 100}[back] {
					t.Errorf("%d lost", lost)
				}
				if code, body := s.push(safe(t, revokeOf("oPerson1"))); code != http.StatusServiceUnavailable || body != "" {
					t.Errorf("%d %q after closing", code, body)
				}
			})
		})
	}
}

// A ledger that hangs does not make closing hang.
func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := stubbed(t, func(_ int, ctx context.Context, _ ledger.Withdrawal) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		})
		s.Journal = nil
		go s.push(safe(t, revokeOf("oPerson1")))
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); !errors.Is(err, ErrLost) || time.Since(began) > 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// What waits is bounded. Whoever comes then is not told `success`.
func TestTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) { return false, ledger.ErrUnavailable })
		s.Journal = nil
		s.init()
		for i := range maxWaiting {
			e := s.event(s.account, &wechat.PushMessage{Event: wechat.PushRevoke, MsgType: "event", OpenID: fmt.Sprint("o", i)}, time.Now(), time.Now())
			if s.accept(e, false) == nil {
				t.Fatalf("%d wait, and no more", i)
			}
		}
		if code, body := s.push(safe(t, revokeOf("oPerson1"))); code != http.StatusServiceUnavailable || body != "" || s.account.Counts.Full.Load() != 1 {
			t.Errorf("%d %q", code, body)
		}
		if err := s.Close(t.Context()); !errors.Is(err, ErrLost) || s.account.Counts.Lost.Load() != maxWaiting || s.account.Counts.Waiting.Load() != 0 {
			t.Errorf("%v, %d lost", err, s.account.Counts.Lost.Load())
		}
	})
}

// What is remembered is bounded; the oldest go first.
func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var r recent
	for i := range maxRecent + 10 {
		r.add(fmt.Sprint(i), &step{})
	}
	if len(r.steps) != maxRecent || r.find("9") != nil || r.find("10") == nil || r.find(fmt.Sprint(maxRecent+9)) == nil {
		t.Errorf("%d remembered", len(r.steps))
	}
}
