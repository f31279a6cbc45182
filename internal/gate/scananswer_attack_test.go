package gate_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// keepingBoard is a Redis of a writer who forgets nothing: what has expired, or
// was used, is put back.
type keepingBoard struct {
	mu   sync.Mutex
	kept map[string]string
}

func (b *keepingBoard) Claim(context.Context, string, time.Duration) (bool, error) { return true, nil }
func (b *keepingBoard) Release(context.Context, string)                            {}

func (b *keepingBoard) Put(_ context.Context, key, value string, _ time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil {
		b.kept = map[string]string{}
	}
	b.kept[key] = value
	return nil
}

func (b *keepingBoard) Get(_ context.Context, key string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept[key], nil
}

// Attack: who can write the Redis keeps the sealed answer of a phone and puts
// it back when it is over: the browser that showed the code is signed in days
// later, and as often as it likes.
func TestAttackScanAnswerPutBack(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, fetch := range map[string]bool{"never fetched": false, "fetched": true} {
		synctest.Test(t, func(t *testing.T) {
			w := newTownWith(t, c, scanning, func(w *town) { w.inside, w.hub.Scans.Shared = true, new(keepingBoard) })
			s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
			cookie := s.cookies(s.wait)["__Secure-wechat-scan"]
			phone.picks(phone.reads(s.code), s.number)
			if fetch {
				s.open(s.next).last().upstream()
			}
			time.Sleep(136 * time.Second) // the code's time, and the grace
			w.reload()                    // nothing is remembered but what is in the store
			late := w.desktop("alice")
			late.plant(s.wait, "__Secure-wechat-scan", cookie)
			late.plant("/", "__Host-wechat", "")
			late.secretsOf(s.browser)
			stolen := s
			stolen.browser = late
			if h := late.open(s.next).last(); h.kind() != "scan_expired" || late.session() != "" {
				t.Errorf("%s: %d %q", name, h.status, h.kind())
			}
			if got := stolen.state(); got != "expired" {
				t.Errorf("%s: hears %s", name, got)
			}
		})
	}
}
