package limit

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Attack: one line, written for each of many requests, fills the log. The next
// line that is written counts the others.
func TestAttackOneLineFillsTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l Line
		text := new(strings.Builder)
		logger := slog.New(slog.NewTextHandler(text, nil))
		warn := func(n int) {
			for range n {
				l.Warn(logger, Rate{Burst: 2, Every: time.Minute}, "a mistake", slog.String("site", "a"))
			}
		}
		warn(1000)
		if n := strings.Count(text.String(), "a mistake"); n != 2 || strings.Contains(text.String(), "left_out") {
			t.Errorf("%d lines of a burst: %s", n, text)
		}
		time.Sleep(time.Minute)
		warn(1)
		if !strings.HasSuffix(text.String(), "site=a left_out=998\n") {
			t.Errorf("the next line does not count the others: %s", text)
		}
	})
}
