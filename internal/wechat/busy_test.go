package wechat

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A hurriedServer answers one request on each connection: with what stands
// first in says as long as there is something, then with success. An empty
// answer cuts the connection.
type hurriedServer struct {
	mu   sync.Mutex
	says []string
	got  []string // the requests: address and body
}

func (s *hurriedServer) serve(conn net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	if text := s.answer(r.RequestURI + string(body)); text != "" {
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	}
}

func (s *hurriedServer) answer(request string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, request)
	if len(s.says) == 0 {
		return success
	}
	text := s.says[0]
	s.says = s.says[1:]
	return text
}

func (s *hurriedServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// patientCalls are those that ask a busy WeChat again. Who keeps the account's
// token asks for it, and for what it opens, at times of its own.
var patientCalls = map[string]bool{"exchange": true, "refresh": true, "userinfo": true, "login": true, "phone": true}

const (
	busyAnswer      = `{"errcode":-1,"errmsg":"system error"}`
	throttledAnswer = `{"errcode":45011,"errmsg":"api minute-quota reach limit"}`
)

// A zero Client asks a busy WeChat three times in a second, with the same
// request, ensures that a sign-in survives a moment of it.
func TestBusyWeChatIsAskedThreeTimes(t *testing.T) {
	t.Parallel()
	always := slices.Repeat([]string{busyAnswer}, 9)
	for name, row := range map[string]struct {
		says    []string
		asks    int
		took    time.Duration
		wantErr error
	}{
		"well":        {nil, 1, 0, nil},
		"busy once":   {always[:1], 2, 200 * time.Millisecond, nil},
		"busy twice":  {always[:2], 3, time.Second, nil},
		"always busy": {always, 3, time.Second, ErrRetry},
	} {
		for op, call := range calls {
			t.Run(name+"/"+op, func(t *testing.T) {
				t.Parallel()
				asks, took, wantErr := row.asks, row.took, row.wantErr
				if !patientCalls[op] && row.says != nil {
					asks, took, wantErr = 1, 0, ErrRetry
				}
				synctest.Test(t, func(t *testing.T) {
					s := &hurriedServer{says: row.says}
					c := pipe(&Client{}, s.serve)
					defer c.CloseIdle()
					start := time.Now()
					err := call(t, c)
					if !errors.Is(err, wantErr) || time.Since(start) != took {
						t.Errorf("%v after %v, want %v after %v", err, time.Since(start), wantErr, took)
					}
					got := s.requests()
					if same := slices.Compact(slices.Clone(got)); len(got) != asks || len(same) != 1 {
						t.Errorf("%d requests, want %d that are the same: %q", len(got), asks, same)
					}
				})
			})
		}
	}
}

// Only the answer "busy" says that nothing was done: after any other one, and
// after none, the same request is not sent again.
func TestOnlyBusyIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		says string
		want error
	}{
		"over the quota of a minute": {throttledAnswer, ErrThrottled},
		"over the quota of a day":    {`{"errcode":45009,"errmsg":"reach max api daily quota limit"}`, ErrStop},
		"code used":                  {`{"errcode":40163,"errmsg":"code been used"}`, ErrReuse},
		"unknown error":              {`{"errcode":99999}`, ErrAlert},
		"HTML":                       {`<html>`, ErrUncertain},
		"cut off":                    {"", ErrUncertain},
	} {
		for op, call := range calls {
			t.Run(name+"/"+op, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &hurriedServer{says: []string{row.says}}
					c := pipe(&Client{}, s.serve)
					defer c.CloseIdle()
					if err := call(t, c); !errors.Is(err, row.want) {
						t.Errorf("%v, want %v", err, row.want)
					}
					if got := s.requests(); len(got) != 1 {
						t.Errorf("%d requests, want 1: %q", len(got), got)
					}
				})
			})
		}
	}
}

// A call that was cut off after a busy answer is not sent a third time.
func TestCutOffAfterBusyIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &hurriedServer{says: []string{busyAnswer, ""}}
		c := pipe(&Client{}, s.serve)
		defer c.CloseIdle()
		if _, err := c.Exchange(t.Context(), testCred, testCode); !errors.Is(err, ErrUncertain) {
			t.Errorf("%v, want %v", err, ErrUncertain)
		}
		if got := s.requests(); len(got) != 2 {
			t.Errorf("%d requests, want 2: %q", len(got), got)
		}
	})
}

// A caller that goes away during the pause is told at once that WeChat was
// busy.
func TestCallerGoesAwayWhileWeChatIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &hurriedServer{says: slices.Repeat([]string{busyAnswer}, 9)}
		c := pipe(&Client{}, s.serve)
		defer c.CloseIdle()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Login(ctx, testCred, testCode)
		if took := time.Since(start); !errors.Is(err, ErrRetry) || took != 500*time.Millisecond {
			t.Errorf("%v after %v, want %v after 500ms", err, took, ErrRetry)
		}
		if got := s.requests(); len(got) != 2 {
			t.Errorf("%d requests, want 2: %q", len(got), got)
		}
	})
}

// Timeout is of each request: a slow WeChat that is busy first has it whole
// again.
func TestTimeoutIsOfEachRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &hurriedServer{says: slices.Repeat([]string{busyAnswer}, 2)}
		c := pipe(&Client{}, func(conn net.Conn) {
			time.Sleep(4 * time.Second)
			s.serve(conn)
		})
		defer c.CloseIdle()
		start := time.Now()
		if _, err := c.Exchange(t.Context(), testCred, testCode); err != nil || time.Since(start) != 13*time.Second {
			t.Errorf("%v after %v, want success after 13s", err, time.Since(start))
		}
	})
}
