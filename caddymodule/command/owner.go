package command

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/caddymodule/command/console"
)

// runningConfig reads the configuration of the running server, to examine it as
// the server would load it: files that it names are read, and servers that it
// names are asked. Attack: the server is stopped, another user of the machine
// takes its port, and has root read a secret and send it elsewhere. So the
// program at the endpoint must run as root, or as the user of this command.
func (c *client) runningConfig(ctx context.Context, read func(ctx context.Context, method, path string) ([]byte, error)) ([]byte, error) {
	if err := c.sameUser(ctx); err != nil {
		return nil, err
	}
	config, err := read(ctx, http.MethodGet, "/config/")
	if err != nil {
		return nil, err
	}
	return config, c.sameUser(ctx)
}

// sameUser returns an error if another user's program listens at the endpoint.
// On another machine, or where the system does not say it, the operator has to
// know.
func (c *client) sameUser(ctx context.Context) error {
	for _, uid := range listeners(ctx, c.address) {
		if uid != 0 && uid != os.Geteuid() {
			return fmt.Errorf("%w (uid %d)", console.ErrOtherUser, uid)
		}
	}
	return nil
}

// listeningState is the state of a listening socket in Linux' tables.
const listeningState = "0A"

// tcpListeners returns the users of the programs that listen on a port of this
// machine's own addresses, from one of Linux' tables /proc/net/tcp and tcp6.
func tcpListeners(table string, port uint) (uids []int) {
	for line := range strings.Lines(table) {
		// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid …
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[3] != listeningState {
			continue
		}
		_, listens, _ := strings.Cut(fields[1], ":")
		number, err := strconv.ParseUint(listens, 16, 16)
		uid, failed := strconv.Atoi(fields[7])
		if err == nil && failed == nil && uint(number) == port && !slices.Contains(uids, uid) {
			uids = append(uids, uid)
		}
	}
	return uids
}

// onThisMachine reports whether an address is one of loopback.
func onThisMachine(at caddy.NetworkAddress) bool {
	ip, err := netip.ParseAddr(at.Host)
	return strings.EqualFold(at.Host, "localhost") || at.Host == "" || err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}
