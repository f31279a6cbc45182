package webhook

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Attack: visitors cause events, and a receiver that refuses them for good
// fills the log with dead letters. While they are few, each has its line.
func TestAttackDeadLettersFillTheLog(t *testing.T) {
	for name, row := range map[string]struct{ events, lines int }{
		"a few":   {5, 5},
		"a flood": {300, 10},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				text, b := new(strings.Builder), &box{}
				s := newSender(b, newReceiver(t, func(call, int) (int, http.Header) { return http.StatusGone, nil }), "a")
				s.Logger = slog.New(slog.NewTextHandler(text, nil))
				for n := range row.events {
					b.put(event(n, n))
				}
				end := start(t, s)
				time.Sleep(5 * time.Second)
				end()
				dead := s.Counts().Buried
				if n := strings.Count(text.String(), "is now a dead letter"); n != min(row.lines, int(dead)) || int(dead) < row.lines {
					t.Errorf("%d lines about %d dead letters, want %d", n, dead, row.lines)
				}
			})
		})
	}
}
