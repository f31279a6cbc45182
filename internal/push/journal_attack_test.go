package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// notes is a Journal in memory, which can be told to fail.
type notes struct {
	mu  sync.Mutex
	of  map[string][]byte
	err error
}

func (n *notes) Keep(name string, entry []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return n.err
	}
	if n.of == nil {
		n.of = map[string][]byte{}
	}
	n.of[name] = entry
	return nil
}

func (n *notes) Remove(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.of, name)
	return nil
}

func (n *notes) Each(fn func(string, []byte)) error {
	n.mu.Lock()
	all := maps.Clone(n.of)
	n.mu.Unlock()
	for name, entry := range all {
		fn(name, entry)
	}
	return nil
}

// files is a journal in a folder of the test. Its cipher turns every byte over.
func files(folder string) *Files {
	turn := func(text []byte) []byte {
		out := bytes.Clone(text)
		for i := range out {
			out[i] ^= 0xff
		}
		return out
	}
	return &Files{
		Folder: folder,
		Seal: func(name string, entry []byte) (string, error) {
			return string(turn([]byte(name + string(entry)))), nil
		},
		Open: func(name, sealed string) ([]byte, error) {
			entry, ok := bytes.CutPrefix(turn([]byte(sealed)), []byte(name))
			if !ok {
				return nil, errors.New("no key opens it")
			}
			return entry, nil
		},
	}
}

// Attack: revocations arrive while the ledger is away, are answered `success`,
// and the gateway stops, or dies, before it is back. The next one carries them
// out, with the times at which they came.
func TestAttackPushesAreLostWhenTheGatewayEnds(t *testing.T) {
	for name, orderly := range map[string]bool{"stopped": true, "killed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "pushes")
				s, _ := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) { return false, ledger.ErrUnavailable })
				s.Journal = files(folder)
				begun := time.Now()
				var all sync.WaitGroup
				for i := range 6 {
					all.Go(func() { s.success(safe(t, revokeOf(fmt.Sprint("oPerson", i)))) })
				}
				all.Wait()
				if orderly {
					if err := s.Close(t.Context()); err != nil || s.account.Counts.Lost.Load() != 0 {
						t.Errorf("%v, %d lost", err, s.account.Counts.Lost.Load())
					}
				}
				time.Sleep(time.Hour)
				var mu sync.Mutex
				done := map[string]bool{}
				after, _ := stubbed(t, func(_ int, _ context.Context, w ledger.Withdrawal) (bool, error) {
					mu.Lock()
					defer mu.Unlock()
					if !w.At.Equal(begun) || !w.Consent || w.Reason != "205" || w.Until.Before(begun.Add(time.Hour)) {
						t.Errorf("carried out as %+v", w)
					}
					done[w.OpenID] = true
					return true, nil
				})
				after.Journal = files(folder)
				if err := after.Resume(); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if left, err := after.Journal.(*Files).names(); len(done) != 6 || len(left) != 0 || err != nil {
					t.Errorf("%d of 6 are carried out, %d are left, %v", len(done), len(left), err)
				}
				for _, h := range []*scene{s, after} {
					_ = h.Close(t.Context())
				}
			})
		})
	}
}

// Attack: a push is answered `success` and kept nowhere. WeChat tells it three
// times, and only if it does not hear that.
func TestAttackPushIsAcknowledgedAndKeptNowhere(t *testing.T) {
	for name, journal := range map[string]Journal{
		"no journal": nil, "a journal that fails": &notes{err: errors.New("full")},
		"a folder that is none": files(filepath.Join(os.DevNull, "pushes")),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var back atomic.Bool
				s, _ := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) {
					if back.Load() {
						return true, nil
					}
					return false, ledger.ErrUnavailable
				})
				s.Journal = journal
				p := safe(t, revokeOf("oPerson1"))
				for range 2 {
					if code, body := s.push(p); code != http.StatusServiceUnavailable || body != "" {
						t.Errorf("answered %d %q", code, body)
					}
				}
				if n := s.account.Counts.Unkept.Load(); n != 2 {
					t.Errorf("%d counted", n)
				}
				back.Store(true)
				s.success(p)
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Attack: a revocation waits for a minute after the ledger is back. All that
// wait are carried out within two seconds; until then one at a time tries.
func TestAttackRevocationWaitsAfterTheOutage(t *testing.T) {
	for _, lasts := range []time.Duration{4 * time.Second, 40 * time.Second, time.Hour} {
		t.Run(lasts.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				s, l := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) {
					if time.Since(begun) < lasts {
						return false, ledger.ErrUnavailable
					}
					return true, nil
				})
				for i := range 200 {
					go s.push(safe(t, revokeOf(fmt.Sprint("oPerson", i))))
				}
				time.Sleep(lasts - time.Millisecond)
				l.mu.Lock()
				calls := l.calls
				l.mu.Unlock()
				if most := 200 + int(lasts/probePause) + 1; calls > most {
					t.Errorf("%d calls, want %d at most", calls, most)
				}
				time.Sleep(2*time.Second + time.Millisecond)
				if n := s.Waiting(); n != 0 {
					t.Errorf("%d wait", n)
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A push that the ledger can never have does not keep the others waiting.
func TestPushThatAlwaysFailsStandsInNoWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		s, _ := stubbed(t, func(_ int, _ context.Context, w ledger.Withdrawal) (bool, error) {
			if strings.HasSuffix(w.OpenID, "7") || time.Since(begun) < time.Minute {
				return false, ledger.ErrCorrupt
			}
			return true, nil
		})
		for i := range 20 {
			go s.push(safe(t, revokeOf(fmt.Sprint("oPerson", i))))
		}
		time.Sleep(time.Minute + 5*time.Second)
		if n := s.Waiting(); n != 2 {
			t.Errorf("%d wait, want the 2 that always fail", n)
		}
		_ = s.Close(t.Context())
	})
}

// When the keys of the journal are replaced, what waits is sealed anew; what
// cannot be is said, and how much cannot be read after a restart.
func TestJournalIsSealedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := stubbed(t, func(int, context.Context, ledger.Withdrawal) (bool, error) { return false, ledger.ErrUnavailable })
		journal := files(filepath.Join(t.TempDir(), "pushes"))
		s.Journal, s.Logger = journal, slog.New(slog.NewTextHandler(s.log, nil))
		s.success(safe(t, revokeOf("oPerson1")))
		s.success(safe(t, revokeOf("oPerson2")))
		key := "old"
		journal.Seal = func(name string, entry []byte) (string, error) { return key + name + string(entry), nil }
		journal.Open = func(name, sealed string) ([]byte, error) {
			entry, ok := strings.CutPrefix(sealed, key+name)
			if !ok {
				return nil, errors.New("no key opens it")
			}
			return []byte(entry), nil
		}
		none := func(string, []byte) { t.Error("an entry was opened with another key") }
		if err := journal.Each(none); err == nil || !strings.Contains(err.Error(), "2 of 2 entries") {
			t.Errorf("what cannot be read is not counted: %v", err)
		}
		s.mu.Lock()
		for i := range maxRecent { // two pushes wait while many others are done
			s.recent.add(fmt.Sprint(i), new(step))
		}
		s.mu.Unlock()
		for _, key = range []string{"old", "new"} {
			if n := s.Reseal(); n != 2 {
				t.Errorf("%d entries were sealed, want 2", n)
			}
			opened := 0
			if err := journal.Each(func(string, []byte) { opened++ }); err != nil || opened != 2 {
				t.Errorf("%d entries are read, want 2: %v", opened, err)
			}
		}
		s.Journal = &notes{err: errors.New("full")}
		if n := s.Reseal(); n != 0 || !strings.Contains(s.log.text(), "could not be sealed with the new session key") {
			t.Errorf("%d entries were sealed, and the log says\n%s", n, s.log.text())
		}
		_ = s.Close(t.Context())
		if n := s.Reseal(); n != 0 {
			t.Errorf("%d entries of steps that are over were sealed", n)
		}
	})
}
