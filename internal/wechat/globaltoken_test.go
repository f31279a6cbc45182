package wechat

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crowd calls do many times at once, on all instances.
func crowd(all []*GlobalToken, each int, do func(*GlobalToken)) {
	var group sync.WaitGroup
	for _, g := range all {
		for range each {
			group.Go(func() { do(g) })
		}
	}
	group.Wait()
}

func TestFleetFetchesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{slow: time.Second}
		all := f.instances(t, 3, new(MemoryTokens))
		for round := range 3 {
			crowd(all, 50, func(g *GlobalToken) {
				if token, err := g.Get(t.Context()); err != nil || !f.isValid(token) {
					t.Errorf("%v", err)
				}
			})
			if asks, forces := f.counts(); asks != 1 || forces != 0 {
				t.Errorf("round %d: asked %d times, forced %d", round, asks, forces)
			}
		}
		late := f.instance(t, all[0].Store, nil)
		if token, err := late.Get(t.Context()); err != nil || !f.isValid(token) {
			t.Errorf("an instance that comes later: %v", err)
		}
		if asks, _ := f.counts(); asks != 1 {
			t.Errorf("asked %d times", asks)
		}
	})
}

// Once a fleet has a token nobody waits for the next one, and none that is
// handed out has died, however short its life was when we got it.
func TestTokenIsRenewedAhead(t *testing.T) {
	t.Parallel()
	for _, left := range []time.Duration{300 * time.Second, 301 * time.Second, 10 * time.Minute, 2 * time.Hour} {
		for _, life := range []time.Duration{301 * time.Second, 2 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeAccount{life: life, slow: time.Second}
				f.tokens = []fakeToken{{"before-us", time.Now().Add(left)}}
				all := f.instances(t, 2, new(MemoryTokens))
				if _, err := all[0].Get(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := all[1].Get(t.Context()); err != nil {
					t.Fatal(err)
				}
				const hours = 6
				for start := time.Now(); time.Since(start) < hours*time.Hour; time.Sleep(7 * time.Second) {
					for _, g := range all {
						before := time.Now()
						token, err := g.Get(t.Context())
						if err != nil || !f.isValid(token) || time.Since(before) != 0 {
							t.Fatalf("left %v, life %v, at %v: %v after %v", left, life, time.Since(start), err, time.Since(before))
						}
					}
				}
				most := 4 + 3*hours*int(time.Hour)/int(life) // two for each life, and some at the beginning
				if asks, forces := f.counts(); asks > most || forces != 0 {
					t.Errorf("left %v, life %v: asked %d times, at most %d; forced %d", left, life, asks, most, forces)
				}
			})
		}
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{slow: 100 * time.Millisecond}
		all := f.instances(t, 2, new(MemoryTokens))
		use := func(g *GlobalToken) {
			if _, err := g.Follower(t.Context(), testOpenID); err != nil {
				t.Errorf("%v", err)
			}
		}
		crowd(all, 20, use)
		f.kill()
		crowd(all, 20, use)
		if asks, forces := f.counts(); asks != 2 || forces != 0 {
			t.Errorf("replaced by others: asked %d times, forced %d", asks, forces)
		}
		// WeChat gives a token that its own servers do not take.
		bad, _ := all[0].Get(t.Context())
		f.set(func() { f.refuse = func(token string) bool { return token == bad.Reveal() } })
		crowd(all, 20, use)
		if asks, forces := f.counts(); asks != 4 || forces != 1 {
			t.Errorf("refused: asked %d times, forced %d", asks, forces)
		}
	})
}

// What another instance fetched before this call began may have been replaced
// as well: one question more is asked, not answered with an error.
func TestStoredTokenMayBeReplacedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{}
		all := f.instances(t, 2, new(MemoryTokens))
		use := func(g *GlobalToken) {
			t.Helper()
			if _, err := g.Follower(t.Context(), testOpenID); err != nil {
				t.Errorf("%v", err)
			}
		}
		use(all[0])
		use(all[1])
		f.kill()
		use(all[0]) // the second token, in the store; the other instance has the first
		f.kill()
		time.Sleep(time.Second)
		before, _, _ := f.called()
		use(all[1])
		calls, _, _ := f.called()
		if asks, forces := f.counts(); asks != 3 || forces != 0 || calls-before != 3 {
			t.Errorf("asked %d times, forced %d, called %d times", asks, forces, calls-before)
		}
	})
}

// A token that is refused for ever must not use up the 20 forced ones of a day.
func TestRenewalsDoNotLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{refuse: func(string) bool { return true }}
		all := f.instances(t, 2, new(MemoryTokens))
		const steps = 24 * 60 * 60 / 40
		for range steps {
			for _, g := range all {
				if _, err := g.Follower(t.Context(), testOpenID); !errors.Is(err, ErrRenew) || !errors.Is(err, ErrAlert) {
					t.Fatalf("%v", err)
				}
			}
			time.Sleep(40 * time.Second) // WeChat would force each time
		}
		if asks, forces := f.counts(); asks > 3*steps || forces < 10 || forces > 20 {
			t.Errorf("asked %d times, forced %d", asks, forces)
		}
		if _, err := all[0].Get(t.Context()); err != nil {
			t.Errorf("the token is still what WeChat gives: %v", err)
		}
	})
}

func TestForcedTokenThatIsTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{says: `{"access_token":"always-the-same","expires_in":7200}`}
		g := f.instance(t, nil, nil)
		for range 600 {
			if _, err := g.Follower(t.Context(), testOpenID); !errors.Is(err, ErrRenew) {
				t.Fatalf("%v", err)
			}
			time.Sleep(time.Second)
		}
		// The first, then one each 30 seconds, and one that was forced.
		if asks, _ := f.counts(); asks < 10 || asks > 23 {
			t.Errorf("asked %d times", asks)
		}
	})
}

func TestCallerThatLeavesDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{slow: 3 * time.Second}
		g := f.instance(t, nil, nil)
		var group sync.WaitGroup
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			if _, err := g.Get(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrUnavailable) || time.Since(start) != time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
		group.Go(func() {
			time.Sleep(500 * time.Millisecond)
			if token, err := g.Get(t.Context()); err != nil || !f.isValid(token) {
				t.Errorf("%v", err)
			}
		})
		group.Wait()
		if asks, _ := f.counts(); asks != 1 {
			t.Errorf("asked %d times", asks)
		}
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{}
		had := f.instance(t, nil, nil)
		token, err := had.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		had.Close()
		if again, err := had.Get(t.Context()); err != nil || again != token {
			t.Errorf("what was there: %v", err)
		}
		f.set(func() { f.slow = 4 * time.Second })
		without := f.instance(t, nil, nil)
		time.AfterFunc(time.Second, without.Close)
		start := time.Now()
		if _, err := without.Get(t.Context()); !errors.Is(err, ErrUncertain) || time.Since(start) != time.Second {
			t.Errorf("closed meanwhile: %v after %v", err, time.Since(start))
		}
		time.Sleep(2 * time.Second)
		if _, err := without.Get(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("closed: %v", err)
		}
		new(GlobalToken).Close()
		time.Sleep(10 * time.Second) // the server sees that nobody listens
	})
}

func TestTicketAndPhoneUseTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAccount{slow: 100 * time.Millisecond}
		all := f.instances(t, 2, new(MemoryTokens))
		sign := func(g *GlobalToken) {
			if s, err := g.SignJSSDK(t.Context(), "https://shop.example.com/"); err != nil || s.AppID != testAppID || s.Timestamp != time.Now().Unix() {
				t.Errorf("%+v, %v", s, err)
			}
		}
		crowd(all, 20, sign)
		crowd(all, 20, sign)
		_, tickets, _ := f.called()
		if asks, _ := f.counts(); asks != 1 || tickets != 1 {
			t.Errorf("asked for %d tokens and %d tickets", asks, tickets)
		}
		if _, err := all[0].SignJSSDK(t.Context(), "nonsense"); !errors.Is(err, ErrPage) {
			t.Errorf("%v", err)
		}
		f.kill()
		time.Sleep(299 * time.Second)
		crowd(all, 20, sign) // with the old one; the next is fetched meanwhile, with a new token
		time.Sleep(2 * time.Second)
		crowd(all, 20, sign)
		_, tickets, _ = f.called()
		if asks, forces := f.counts(); asks != 2 || forces != 0 || tickets != 2 {
			t.Errorf("asked for %d tokens (%d forced) and %d tickets", asks, forces, tickets)
		}
		f.kill()
		phone, err := all[1].Phone(t.Context(), "code-1", testOpenID)
		_, _, phones := f.called()
		if err != nil || phone != (Phone{"86", "13800138000"}) || phones < 2 || phones > 3 {
			t.Errorf("%+v, %v, sent %d times", phone, err, phones)
		}
	})
}
