package doctor

import (
	"bufio"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is slow if each answer is late. If some are, this machine may be busy.
func TestSlowRedis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fast int // every such PING is answered at once, the others late
		want Status
	}{
		"each answer is late": {100, Warning},
		"most are":            {3, Pass},
		"none is":             {1, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := redis.NewClient(&redis.Options{
				Protocol: 2, DisableIdentity: true, ReadTimeout: 5 * time.Second,
				Dialer: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go answerPings(far, c.fast)
					return near, nil
				},
			})
			defer func() { _ = client.Close() }()
			v := new(visit)
			if !v.pings(t.Context(), client) || len(v.found) != 1 || v.found[0].Status != c.want {
				t.Errorf("found %+v, want %s", v.found, c.want)
			}
		})
	}
}

// answerPings is a Redis that knows one command. In RESP each word of a command
// follows its length.
func answerPings(connection net.Conn, fast int) {
	defer func() { _ = connection.Close() }()
	for lines, n := bufio.NewScanner(connection), 0; lines.Scan(); {
		word := lines.Text()
		if words, begins := strings.CutPrefix(word, "*"); begins {
			left, _ := strconv.Atoi(words) // 0: no command
			word = ""
			for i := range 2 * left {
				if lines.Scan(); i%2 == 1 { // an end is noticed below
					word += lines.Text() + " "
				}
			}
		}
		said := "-ERR unknown command\r\n"
		if word == "ping " {
			said = "+PONG\r\n"
			if n++; n%fast != 0 {
				time.Sleep(3 * slowRedis)
			}
		}
		if _, err := io.WriteString(connection, said); err != nil {
			return
		}
	}
}
