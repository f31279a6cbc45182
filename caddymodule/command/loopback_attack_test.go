package command

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/caddymodule"
)

// Attack: another user of the machine listens on the same port of [::1], to
// which `localhost` may lead first, and gets the operator's calls.
func TestAttackLocalhostLeadsToAnotherUser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, address, works string
		want                 []string
	}{
		{"IPv4 first", "localhost:2019", "tcp4", []string{"tcp4 localhost:2019"}},
		{"in any case", "LocalHost:2019", "tcp4", []string{"tcp4 LocalHost:2019"}},
		{"a machine without IPv4", "localhost:2019", "tcp", []string{"tcp4 localhost:2019", "tcp localhost:2019"}},
		{"an address", "[::1]:2019", "tcp", []string{"tcp [::1]:2019"}},
		{"a socket", "unix//run/caddy/admin.sock", "unix", []string{"unix /run/caddy/admin.sock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := caddy.ParseNetworkAddress(c.address)
			if err != nil {
				t.Fatal(err)
			}
			var dialled []string
			_, err = dialServer(t.Context(), func(_ context.Context, network, address string) (net.Conn, error) {
				dialled = append(dialled, network+" "+address)
				if network != c.works {
					return nil, errors.New("refused")
				}
				return nil, nil
			}, at)
			if err != nil || !slices.Equal(dialled, c.want) {
				t.Errorf("%v, %v, want %v", dialled, err, c.want)
			}
		})
	}
}

// Attack: the printed address says `localhost`, the browser asks [::1], and
// another user of the machine, who listens there, gets the one-time token.
func TestAttackTokenForAnotherListener(t *testing.T) {
	t.Parallel()
	c := openConsoleAt(t, "localhost:1", "localhost:0")
	if got := c.address(); !strings.HasPrefix(got, "http://127.0.0.1:") && !strings.HasPrefix(got, "http://[::1]:") {
		t.Errorf("the printed address is %s", got)
	}
}

// Attack: the operator's ssh connection has ended, the console has not, and it
// stays open to the browser, and to others on the machine, for hours.
func TestAttackConsoleOutlivesTheConnection(t *testing.T) {
	t.Parallel()
	pipe, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	for _, c := range []struct {
		name string
		in   io.Reader
		ends bool
	}{
		{"a connection", pipe, true},
		{"no input", nothing, false},
		{"other input", strings.NewReader(""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			o := operatorConsole{endpoint: endpoint{address: "localhost:1"}, listen: "127.0.0.1:0", examine: caddymodule.Examine}
			printed, ended := &screen{make(chan string, 100)}, make(chan error, 1)
			go func() { ended <- o.run(ctx, c.in, printed) }()
			<-printed.lines // it runs
			if c.ends {
				select {
				case err := <-ended:
					t.Fatalf("it ended, though the connection is there: %v", err)
				case <-time.After(300 * time.Millisecond):
				}
				_ = hold.Close()
			}
			select {
			case err := <-ended:
				if !c.ends || err != nil {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(map[bool]time.Duration{true: 20 * time.Second, false: 300 * time.Millisecond}[c.ends]):
				if c.ends {
					t.Error("it goes on")
				}
				stop()
				<-ended
			}
		})
	}
}
