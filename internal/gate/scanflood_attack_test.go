package gate_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/scan"
)

// Attack: the number beside a code is drawn again by loading the page again.
// Beyond the bound there is a page that says to wait, and no code and no cookie
// on it.
func TestAttackCodePageLoadedAgainAndAgain(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scanning, func(w *town) { w.inside = true })
		b := w.desktop("mallory")
		pages := []string{"/x", "/_wechat/login?return_to=/x"}
		refused := func(why string) {
			t.Helper()
			for _, path := range append(pages, "/") {
				h := b.open(path).last()
				if h.status != http.StatusTooManyRequests || h.kind() != "unavailable" || h.header.Get("Retry-After") != "10" || len(h.header["Set-Cookie"]) != 0 {
					t.Errorf("%s: %s: %d %q %v", why, path, h.status, h.kind(), h.header)
				}
			}
		}
		// The first page gives the browser the secret by which it is known.
		numbers := map[string]bool{b.shows("/x").number: true}
		for i := range 5 {
			numbers[b.shows(pages[i%2]).number] = true
		}
		refused("one browser")
		w.desktop("trent").shows("/x") // of the same network
		time.Sleep(10 * time.Second)
		b.shows("/x")
		refused("one browser, later")

		// A browser that forgets its secret each time is bounded as its address
		// is.
		time.Sleep(time.Minute)
		for i := range 20 {
			b.dropSecrets()
			numbers[b.shows(pages[i%2]).number] = true
		}
		if len(numbers) < 20 {
			t.Errorf("%d numbers in 26 codes", len(numbers))
		}
		b.dropSecrets()
		refused("one address")
		time.Sleep(3 * time.Second)
		b.shows("/x")
		if h := b.open("/x").last(); h.status != http.StatusTooManyRequests {
			t.Errorf("two in three seconds: %d", h.status)
		}
		if lines := w.log.lines("too many QR codes requested"); len(lines) == 0 || len(lines) > 3 {
			t.Errorf("%d lines in the log, want one a minute", len(lines))
		}
	})
}

// countingBoard counts how often it is asked for an answer.
type countingBoard struct {
	board
	gets atomic.Int32
}

func (b *countingBoard) Get(ctx context.Context, key string) (string, error) {
	b.gets.Add(1)
	return b.board.Get(ctx, key)
}

// Attack: a browser that shows one code asks without end, by each of the ways
// in which it may. The store is asked five times at once and then once a
// second, and the browser still hears of its phone.
func TestAttackOneScreenAsksWithoutEnd(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, ask := range map[string]func(s screen){
		"state": func(s screen) { s.state() },
		"page": func(s screen) {
			if h := s.send(http.MethodGet, s.next, ""); h.kind() != "scan" {
				s.town.t.Errorf("%d %q", h.status, h.kind())
			}
		},
		"events": func(s screen) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, shop+s.wait+"/events", nil)
			if err != nil {
				s.town.t.Fatal(err)
			}
			if res, err := s.client.Do(r); err == nil {
				_ = res.Body.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scanning, func(w *town) { w.inside = true })
				store := &countingBoard{board: board{notes: map[string]note{}}}
				w.hub.Scans = &scan.Board{Shared: store}
				s := w.desktop("mallory").shows("/x")
				store.gets.Store(0)
				for range 100 {
					ask(s)
				}
				if n := store.gets.Load(); n != 5 {
					t.Errorf("asked the store %d times for 100 questions", n)
				}
				time.Sleep(3 * time.Second)
				for range 100 {
					ask(s)
				}
				if n := store.gets.Load(); n != 8 {
					t.Errorf("asked the store %d times, three seconds later", n)
				}
				phone := w.browser("alice")
				phone.picks(phone.reads(s.code), s.number)
				time.Sleep(2 * time.Second)
				if got := s.state(); got != "confirmed" {
					t.Errorf("hears %q", got)
				}
				if v := s.open(s.next); v.last().url != shop+"/x" {
					t.Errorf("%s", v)
				}
			})
		})
	}
}
