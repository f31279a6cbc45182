package webhook

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// buffer is a log that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A store that is down for an hour is a line a minute, not one for each
// question.
func TestOutageDoesNotFillTheLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var logged buffer
		s := newSender(&box{broken: func(string) error { return ledger.ErrUnavailable }}, newReceiver(t, accept), "a")
		s.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		end := start(t, s)
		time.Sleep(time.Hour)
		end()
		if n := strings.Count(logged.String(), "\n"); n < 50 || n > 61 {
			t.Errorf("%d lines", n)
		}
	})
}

// What a log, an error or the outbox says of a failure holds nothing secret,
// and nobody's openid, even where the receiver repeats what it got.
func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	refused := serve(t, false, nil)
	refused.Close()
	raw := func(answer string) string {
		return serve(t, false, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = fmt.Fprintf(connection, strings.ReplaceAll(answer, "BODY", "%[1]s"), body)
			_ = connection.Close()
		}).URL
	}
	for name, address := range map[string]string{
		"refused":  refused.URL,
		"no HTTP":  raw("BODY\r\n\r\n"),
		"header":   raw("HTTP/1.1 200 OK\r\nBODY\r\n\r\n"),
		"status":   raw("HTTP/1.1 5xx BODY\r\n\r\n"),
		"nothing":  raw(""),
		"error":    raw("HTTP/1.1 500 BODY\r\nContent-Length: 0\r\n\r\n"),
		"gone":     raw("HTTP/1.1 410 BODY\r\nContent-Length: 0\r\n\r\n"),
		"location": raw("HTTP/1.1 302 Found\r\nLocation: /BODY\r\nContent-Length: 0\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := strings.Replace(address, "http://", "http://user:p4ssw0rd@", 1) + "/hook?key=qu3ry"
			_, b, logged := once(t, u, nil)
			waiting, dead := b.left()
			logged += fmt.Sprint(append(waiting, dead...)[0].Reason)
			for _, secret := range []string{testOpenID, testUnionID, testSecret.Reveal(), testSecret.Reveal()[6:], "p4ssw0rd", "qu3ry", "user:"} {
				if strings.Contains(logged, secret) {
					t.Errorf("%s is in: %s", secret, logged)
				}
			}
			if !strings.Contains(logged, address+"/hook") || !strings.Contains(logged, eventID(1)) {
				t.Errorf("the log does not say where and what: %s", logged)
			}
		})
	}
}
