package heartbeat_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// What was read since the first heartbeat came back is covered, nothing older.
func TestCoversWhatWasReadWhileListening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, e := hearing(t, new(wire))
		wantCovers(t, c, false, 0)
		time.Sleep(heartbeat.DefaultEvery / 2)
		e.want(t, "")
		wantCovers(t, c, false, 0)
		time.Sleep(heartbeat.DefaultEvery)
		e.want(t, "begin")
		wantCovers(t, c, true, heartbeat.DefaultEvery/4)
		wantCovers(t, c, false, heartbeat.DefaultEvery) // read before
		time.Sleep(time.Hour)
		e.want(t, "")
		wantCovers(t, c, true, time.Hour)
		wantCovers(t, c, false, time.Hour+heartbeat.DefaultEvery)
	})
}

// Nothing is covered without a Connection, before Start, and after Close.
func TestCoversNothingWithoutASubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wantCovers(t, nil, false, 0)
		c, w := &heartbeat.Connection{Bus: new(wire)}, new(wire)
		c.Start() // without a listener: nothing
		time.Sleep(time.Second)
		wantCovers(t, c, false, 0)
		c, e := hearing(t, w)
		time.Sleep(time.Second)
		wantCovers(t, c, true, time.Second/2)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		wantCovers(t, c, false, time.Second/2)
		c.Start() // after Close: nothing
		time.Sleep(time.Second)
		wantCovers(t, c, false, 0)
		e.want(t, "begin")
		if w.subscribed != 1 {
			t.Errorf("it subscribed %d times", w.subscribed)
		}
	})
}

// In each kind of deafness, what is kept is distrusted within the moment, for
// as long as it lasts; afterwards what was read before it stays distrusted, and
// new answers are covered.
func TestDistrustsWhatItDoesNotHear(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		begin, end func(*wire)
		heard      string // what the listener is told in between, and when it is over
		confirmed  bool   // what was read before is confirmed until now: the subscription held
	}{
		{
			"the subscription fails",
			func(w *wire) { w.breaks(); w.set(func(w *wire) { w.refuses = true }) },
			func(w *wire) { w.set(func(w *wire) { w.refuses = false }) }, "break: broken, begin", false,
		},
		{
			"messages are swallowed",
			func(w *wire) { w.set(func(w *wire) { w.loses = everything }) },
			func(w *wire) { w.set(func(w *wire) { w.loses = nil }) }, "begin", true,
		},
		{
			"heartbeats are swallowed",
			func(w *wire) { w.set(func(w *wire) { w.loses = heartbeats }) },
			func(w *wire) { w.set(func(w *wire) { w.loses = nil }) }, "begin", true,
		},
		{
			"publishing hangs",
			func(w *wire) { w.set(func(w *wire) { w.hangs = true }) },
			func(w *wire) { w.set(func(w *wire) { w.hangs = false }) }, "begin", true,
		},
		{
			"the connection stands still",
			func(w *wire) { w.set(func(w *wire) { w.stalls = true }) },
			func(w *wire) { w.set(func(w *wire) { w.stalls = false }) }, "begin", true,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := new(wire)
				c, e := hearing(t, w)
				time.Sleep(time.Second)
				e.want(t, "begin")
				read := time.Now()
				time.Sleep(time.Second)
				wantCovers(t, c, true, time.Since(read))

				row.begin(w)
				time.Sleep(moment)
				for range 50 {
					wantCovers(t, c, false, time.Since(read))
					wantCovers(t, c, false, 0)
					time.Sleep(heartbeat.DefaultEvery)
				}
				row.end(w)
				time.Sleep(2 * time.Second) // it tries once a second
				e.want(t, row.heard)
				wantCovers(t, c, false, time.Since(read))
				wantCovers(t, c, true, heartbeat.DefaultEvery)
				want := read.Add(time.Second)
				if row.confirmed {
					want = time.Now()
				}
				if until := c.Confirmed(read); until.Before(want.Add(-2*heartbeat.DefaultEvery)) || until.After(want) {
					t.Errorf("what was read is confirmed for %s, want %s", until.Sub(read), want.Sub(read))
				}
			})
		})
	}
}

func everything(string, string) bool { return true }

func heartbeats(_, message string) bool { return message[0] == 'b' }

// A heartbeat that was on its way when the subscription began proves nothing of
// the time before: what was announced in it was missed.
func TestCoversNothingFromBeforeTheSubscription(t *testing.T) {
	t.Parallel()
	for offset := range 20 {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{slow: heartbeat.DefaultEvery * 3 / 5}
				c, e := hearing(t, w)
				time.Sleep(time.Second + time.Duration(offset)*heartbeat.DefaultEvery/10)
				e.want(t, "begin")
				w.breaks()
				time.Sleep(heartbeat.DefaultEvery * 3 / 2)
				for !hears(c) {
					time.Sleep(time.Millisecond)
				}
				if now := time.Now(); c.Covers(w.since, now, moment) {
					t.Errorf("what was read before the subscription, %s ago, is covered", now.Sub(w.since))
				}
				e.want(t, "break: broken, begin")
			})
		})
	}
}

// Confirmed says until when an answer was certainly so.
func TestConfirmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(wire)
		c, _ := hearing(t, w)
		early := time.Now()
		confirmed := func(what string, read time.Time, atLeast, atMost time.Duration) {
			t.Helper()
			if got := c.Confirmed(read).Sub(read); got < atLeast || got > atMost {
				t.Errorf("%s: confirmed for %s, want %s to %s", what, got, atLeast, atMost)
			}
		}
		time.Sleep(time.Second)
		first := time.Now()
		confirmed("just now", first, 0, 0)
		time.Sleep(time.Minute)
		confirmed("before the subscription", early, 0, 0)
		confirmed("a minute ago", first, time.Minute-heartbeat.DefaultEvery, time.Minute)
		w.breaks()
		time.Sleep(time.Minute)
		confirmed("in the time before", first, time.Minute-heartbeat.DefaultEvery, time.Minute)
		w.breaks()
		time.Sleep(time.Minute)
		confirmed("two times before", first, 0, 0) // forgotten, and on the safe side
		var none *heartbeat.Connection
		if !none.Confirmed(first).Equal(first) {
			t.Error("without a Connection something is confirmed")
		}
	})
}

// A Redis that cannot be reached is said to be so at the beginning, and once;
// it is tried again at least once a second.
func TestTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{refuses: true}
		c, e := hearing(t, w)
		time.Sleep(time.Minute)
		e.want(t, "break: broken")
		if w.subscribed < 55 || w.subscribed > 70 {
			t.Errorf("tried %d times in a minute", w.subscribed)
		}
		w.set(func(w *wire) { w.refuses = false })
		time.Sleep(time.Second + 2*heartbeat.DefaultEvery)
		e.want(t, "begin")
		wantCovers(t, c, true, 0)
		w.breaks()
		time.Sleep(time.Second)
		e.want(t, "break: broken, begin")
	})
}

// Two listeners share one subscription and one heartbeat, and each hears its
// own channel.
func TestListenersShareTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, persons, browsers := new(wire), new(ear), new(ear)
		c := &heartbeat.Connection{Bus: w}
		c.Listen(news, persons)
		other := &heartbeat.Channel{Connection: c, Name: sessions}
		other.Listen(browsers)
		c.Start()
		defer c.Close()
		time.Sleep(time.Second + heartbeat.DefaultEvery/2)
		_ = other.Publish(t.Context(), "e1")
		_ = w.Publish(t.Context(), news, "n1")
		_ = w.Publish(t.Context(), "elsewhere", "n2")
		persons.want(t, "begin, n1")
		browsers.want(t, "begin, e1")
		if len(w.published) != 10+3 || w.subscribed != 1 {
			t.Errorf("in a second: %d messages, want 10 heartbeats and 3 more; %d subscriptions, want 1", len(w.published), w.subscribed)
		}
		if channel, _ := w.lastBeat(t); channel != news {
			t.Errorf("the heartbeat travels on %s, want the first channel", channel)
		}
		w.breaks()
		persons.want(t, "break: broken")
		browsers.want(t, "break: broken")
	})
}
