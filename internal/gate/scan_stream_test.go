package gate_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/site"
)

// listen opens the stream of a screen, and returns what it says as it says it.
func (s screen) listen(ctx context.Context) (said <-chan string, header http.Header) {
	s.town.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, shop+s.wait+"/events", nil)
	if err != nil {
		s.town.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	res, err := s.client.Do(r)
	if err != nil || res.StatusCode != http.StatusOK {
		s.town.t.Fatalf("stream: %v %v", res, err)
	}
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		defer func() { _ = res.Body.Close() }()
		for text := bufio.NewScanner(res.Body); text.Scan(); {
			if data, ok := strings.CutPrefix(text.Text(), "data: "); ok {
				lines <- data
			}
		}
	}()
	return lines, res.Header
}

func next(t *testing.T, said <-chan string) string {
	t.Helper()
	select {
	case data, ok := <-said:
		if !ok {
			return "the end"
		}
		return data
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is said")
		return ""
	}
}

// The desktop hears of the answer at once, over HTTP/1.1 and HTTP/2, and the
// stream ends with it. The connection goes on serving.
func TestScanStream(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		for _, number := range []string{"right", "1"} {
			w := newTown(t, scanning, func(w *town) { w.http2 = two })
			s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
			said, header := s.listen(t.Context())
			if got := next(t, said); got != "waiting" || header.Get("Content-Type") != "text/event-stream" || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %v", got, header)
			}
			want := "denied"
			if number == "right" {
				number, want = s.number, "confirmed"
			}
			phone.picks(phone.reads(s.code), number)
			begun := time.Now()
			if got := next(t, said); got != want || time.Since(begun) > 5*time.Second {
				t.Errorf("%s after %s", got, time.Since(begun))
			}
			if got := next(t, said); got != "the end" {
				t.Errorf("%s behind the end", got)
			}
		}
	}
}

// A second stream of the same code ends the first; one whose visitor leaves, or
// whose time is over, ends, too. goleak watches over all tests.
func TestScanStreamEnds(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s := w.desktop("alice").shows("/x")
	first, _ := s.listen(t.Context())
	next(t, first)
	ctx, leave := context.WithCancel(t.Context())
	second, _ := s.listen(ctx)
	if got := next(t, first); got != "the end" {
		t.Errorf("the first goes on: %s", got)
	}
	next(t, second)
	leave()
	if got := next(t, second); got != "the end" {
		t.Errorf("%s", got)
	}
}

// slowWriter is a browser that reads nothing, or an answer that cannot be
// streamed.
type slowWriter struct {
	http.ResponseWriter
	mu        sync.Mutex
	header    http.Header
	body      strings.Builder
	deadlines []time.Time
	err       error
}

func (s *slowWriter) Header() http.Header { return s.header }
func (s *slowWriter) WriteHeader(int)     {}
func (s *slowWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body.Write(p)
}
func (s *slowWriter) FlushError() error { return s.err }
func (s *slowWriter) SetWriteDeadline(at time.Time) error {
	s.deadlines = append(s.deadlines, at)
	return nil
}

// A spell lasts twenty seconds, and the code two minutes; what cannot be
// streamed ends at once, and the deadline is taken off the connection.
func TestScanStreamSpell(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scanning, func(w *town) { w.inside = true })
		s := w.desktop("alice").shows("/x")
		stream := func(flush error) (*slowWriter, time.Duration) {
			begun := time.Now()
			out := &slowWriter{header: http.Header{}, err: flush}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop+s.wait+"/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host, r.RemoteAddr = "shop.example.com", "203.0.113.9:1"
			for name, value := range s.cookies(s.wait) {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			original := *r.URL
			w.gate.Origin = shop
			w.gate.ServeEndpoint(out, &site.Request{Request: r, Original: &original})
			return out, time.Since(begun)
		}
		out, took := stream(nil)
		if took != 20*time.Second || strings.Count(out.body.String(), "data: waiting\n\n") != 1 || !strings.HasPrefix(out.body.String(), "retry: ") {
			t.Errorf("%s: %q", took, out.body.String())
		}
		if n := len(out.deadlines); n < 2 || !out.deadlines[n-1].IsZero() || out.deadlines[0].IsZero() {
			t.Errorf("deadlines %v", out.deadlines)
		}
		if _, took := stream(errors.New("not here")); took != 0 {
			t.Errorf("goes on for %s", took)
		}
		time.Sleep(90 * time.Second)
		if out, took := stream(nil); took > 11*time.Second || !strings.HasSuffix(out.body.String(), "data: expired\n\n") {
			t.Errorf("%s: %q", took, out.body.String())
		}
	})
}

// Two instances: what the phone says to one, the desktop hears from the other,
// and it is good once for both.
func TestScanOnTwoInstances(t *testing.T) {
	t.Parallel()
	one, two := fleet(t)
	shared := &board{notes: map[string]note{}}
	for _, w := range []*town{one, two} {
		scanning(w)
		w.hub.Scans = &scan.Board{Shared: shared}
	}
	s, phone := one.desktop("alice").shows("/x"), two.browser("alice")
	cookie := s.cookies(s.wait)["__Secure-wechat-scan"]
	phone.picks(phone.reads(s.code), s.number)
	if s.state() != "confirmed" {
		t.Fatalf("%s", s.state())
	}
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("%s", v)
	}
	// On the other one, at the same time or later: the same session.
	b := two.desktop("alice")
	b.plant(s.wait, "__Secure-wechat-scan", cookie)
	b.secretsOf(s.browser)
	if b.open(s.next); b.session() != s.session() {
		t.Error("two sessions")
	}
	for _, value := range shared.notes {
		if strings.Contains(value.text, phone.session()) || strings.Contains(value.text, "openid") {
			t.Error("what the instances share can be read")
		}
	}
}

// While the shared board is down the desktop waits on, and the phone may try
// again.
func TestScanWhileTheBoardIsDown(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	shared := &shakyBoard{board: board{notes: map[string]note{}}}
	w.hub.Scans = &scan.Board{Shared: shared}
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	page := phone.reads(s.code)
	for _, down := range []string{"claim", "put"} {
		shared.fail(down)
		if h := phone.picks(page, s.number); h.status != http.StatusServiceUnavailable {
			t.Errorf("%s: the phone: %d", down, h.status)
		}
	}
	shared.fail("get")
	if h := s.script(http.MethodGet, s.wait+"/state"); h.status != http.StatusServiceUnavailable || h.json().Error != "unavailable" {
		t.Errorf("state: %d", h.status)
	}
	if h := s.open(s.next).last(); h.kind() != "unavailable" {
		t.Errorf("%q", h.kind())
	}
	said, _ := s.listen(t.Context())
	next(t, said)
	shared.fail("")
	if h := phone.picks(page, s.number); h.kind() != "scan_confirmed" {
		t.Errorf("well again: %d %q", h.status, h.kind())
	}
	if got := next(t, said); got != "confirmed" {
		t.Errorf("the stream says %s", got)
	}
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("%s", v)
	}
}

// shakyBoard fails one of its calls.
type shakyBoard struct {
	board
	downMu sync.Mutex
	down   string
}

func (b *shakyBoard) fail(call string) {
	b.downMu.Lock()
	defer b.downMu.Unlock()
	b.down = call
}

func (b *shakyBoard) fails(call string) error {
	b.downMu.Lock()
	defer b.downMu.Unlock()
	if b.down == call {
		return errors.New("down")
	}
	return nil
}

func (b *shakyBoard) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if err := b.fails("claim"); err != nil {
		return false, err
	}
	return b.board.Claim(ctx, key, ttl)
}

func (b *shakyBoard) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	if err := b.fails("put"); err != nil {
		return err
	}
	return b.board.Put(ctx, key, value, ttl)
}

func (b *shakyBoard) Get(ctx context.Context, key string) (string, error) {
	if err := b.fails("get"); err != nil {
		return "", err
	}
	return b.board.Get(ctx, key)
}
