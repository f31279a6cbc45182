package heartbeat_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// Attack: a program that may publish, but not deliver our own messages, has a
// gateway that is deaf believe that it hears.
func TestAttackForgedHeartbeatsProveNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		forge   func(name, at string) string
		channel string
	}{
		{"one of before", func(name, at string) string { return "b" + name + ":" + at }, news},
		{"one of the future", func(name, _ string) string { return fmt.Sprint("b", name, ":", int64(time.Hour)) }, news},
		{"of another gateway", func(string, string) string { return fmt.Sprint("bABCDEFGHIJKLMNOP:", int64(2*time.Second+1)) }, news},
		{"of no gateway", func(string, string) string { return fmt.Sprint("b:", int64(2*time.Second+1)) }, news},
		{"on another channel", func(name, _ string) string { return fmt.Sprint("b", name, ":", int64(2*time.Second+1)) }, sessions},
		{"too long", func(name, _ string) string {
			return "b" + name + ":" + strings.Repeat("0", 64) + fmt.Sprint(int64(2*time.Second+1))
		}, news},
		{"negative", func(name, _ string) string { return "b" + name + ":-1" }, news},
		{"no number", func(name, _ string) string { return "b" + name + ":now" }, news},
		{"larger than a number", func(name, _ string) string { return "b" + name + ":99999999999999999999" }, news},
		{"without a time", func(name, _ string) string { return "b" + name }, news},
		{"nothing", func(string, string) string { return "b" }, news},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, other := new(wire), new(ear)
				c, e := &heartbeat.Connection{Bus: w}, new(ear)
				c.Listen(news, e)
				c.Listen(sessions, other)
				c.Start()
				defer c.Close()
				time.Sleep(time.Second)
				_, beat := w.lastBeat(t)
				name, at, _ := strings.Cut(beat[1:], ":")
				forged := row.forge(name, at)
				w.set(func(w *wire) {
					w.loses = func(_, message string) bool { return message[0] == 'b' && message != forged }
				})
				time.Sleep(2 * time.Second)
				e.want(t, "begin")
				for range 10 {
					_ = w.Publish(t.Context(), row.channel, forged)
					time.Sleep(heartbeat.DefaultEvery)
					wantCovers(t, c, false, 0)
				}
				e.want(t, "")
				other.want(t, "begin")
			})
		})
	}
}

// FuzzReceive: whatever comes in on a channel, it is given to the listener or
// it is a heartbeat, and a listening gateway goes on to listen.
func FuzzReceive(f *testing.F) {
	for _, seed := range []string{"", "b", "bNAME:1", "b:-9223372036854775808", "n", "bb:", "e" + strings.Repeat("x", 1<<16)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		synctest.Test(t, func(t *testing.T) {
			w := new(wire)
			c, e := hearing(t, w)
			time.Sleep(time.Second)
			e.want(t, "begin")
			_ = w.Publish(t.Context(), news, message)
			if strings.HasPrefix(message, "b") {
				e.want(t, "")
			} else {
				e.want(t, message)
			}
			time.Sleep(time.Second)
			wantCovers(t, c, true, time.Second)
		})
	})
}
