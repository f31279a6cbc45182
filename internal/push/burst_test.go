package push

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// A burst of pushes over real connections, every event twice or more and in any
// order, before a real ledger, with a relay: each is acted on once, each is
// told to others once, and all are answered, in time where that is measured.
func TestBurst(t *testing.T) { // alone: others measure time too
	const events, pushes, senders = burstEvents, burstPushes, 200
	var relayed atomic.Int32
	s := newScene(t, func(s *scene) {
		s.Audit = nil
		s.account.RelayAll = true
		s.account.Relay = listen(t, func(w http.ResponseWriter, _ *http.Request) { relayed.Add(1); _, _ = io.WriteString(w, "success") })
	})
	people := make([]ledger.Person, events)
	var meeting sync.WaitGroup
	for worker := range 50 {
		meeting.Go(func() {
			for i := worker; i < events; i += 50 {
				people[i] = s.meet(testAppID, fmt.Sprintf("oPerson%d", i))
			}
		})
	}
	meeting.Wait()
	var slowest, slowestHere atomic.Int64 // as seen by the sender, and of it in the handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived := time.Now()
		s.Serve(w, r, "main")
		raise(&slowestHere, time.Since(arrived))
	}))
	defer server.Close()
	queue := make(chan sent, pushes)
	all := make([]sent, pushes)
	created := fmt.Sprint(time.Now().Add(-time.Minute).Unix())
	for i := range all {
		all[i] = safe(t, revokeOf(fmt.Sprintf("oPerson%d", i%events)).with("CreateTime", created))
	}
	rand.Shuffle(pushes, func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, p := range all {
		queue <- p
	}
	close(queue)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	var sending sync.WaitGroup
	began := time.Now()
	for range senders {
		sending.Go(func() {
			for p := range queue {
				sentAt := time.Now()
				answer, err := client.Post(server.URL+"/?"+p.query.Encode(), "text/xml", strings.NewReader(p.body))
				if err != nil {
					t.Error(err)
					continue
				}
				body, _ := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != 200 || string(body) != "success" {
					t.Errorf("answered %d %q", answer.StatusCode, body)
				}
				raise(&slowest, time.Since(sentAt))
			}
		})
	}
	sending.Wait()
	t.Logf("%d pushes of %d events in %v, the slowest in %v, of it %v in the handler at most", pushes, events, time.Since(began).Round(time.Millisecond),
		time.Duration(slowest.Load()).Round(time.Millisecond), time.Duration(slowestHere.Load()).Round(time.Millisecond))
	if burstIsMeasured && time.Duration(slowest.Load()) >= 5*time.Second {
		t.Error("WeChat would have given up")
	}
	s.settled()
	c := s.account.Counts
	if c.Acted.Load() != events || c.Repeated.Load() != pushes-events || c.Lost.Load()+c.Full.Load()+c.Refused.Load() != 0 {
		t.Errorf("%d acted on, %d repeated", c.Acted.Load(), c.Repeated.Load())
	}
	if relayed.Load() != pushes {
		t.Errorf("%d relayed: the bot gets what WeChat sends, repetitions included", relayed.Load())
	}
	for _, p := range people {
		if s.bolt.PersonEnded(p.ID).IsZero() {
			t.Fatal("somebody's sessions live on")
		}
	}
	if waiting, _, err := s.bolt.Waiting(t.Context(), "crm"); err != nil || waiting != events {
		t.Errorf("%d told to others, %v", waiting, err)
	}
}

// raise makes m the larger of m and d.
func raise(m *atomic.Int64, d time.Duration) {
	for old := m.Load(); int64(d) > old && !m.CompareAndSwap(old, int64(d)); old = m.Load() {
	}
}

// An instance that starts anew, or another one, does nothing again: the ledger
// remembers.
func TestRepeatedAfterRestart(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	p := s.meet(testAppID, "oPerson1")
	push := safe(t, revokeOf("oPerson1"))
	s.success(push)
	s.meet(testAppID, "oPerson1") // and consents anew
	again := &Handler{Accounts: s.Accounts, Ledger: s.bolt}
	w := httptest.NewRecorder()
	again.Serve(w, push.request(), "main")
	if err := again.Close(t.Context()); err != nil || w.Body.String() != "success" {
		t.Errorf("%v, %q", err, w.Body)
	}
	if now, err := s.bolt.Find(t.Context(), p.ID); err != nil || !now.Consented(testAppID) {
		t.Errorf("the new consent is gone: %v", err)
	}
	if c := s.account.Counts; c.Acted.Load() != 1 || c.Repeated.Load() != 1 {
		t.Error("not counted")
	}
}
