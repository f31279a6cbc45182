package redistest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below the range that the kernel uses for outgoing
// connections (32768 and up): a killed server's port stays free until it is
// restarted.
const (
	lowestPort = 12000
	ports      = 20000
)

// given holds the ports that were given out: a killed server returns to its own
// port.
var given = struct {
	sync.Mutex
	all map[int]bool
}{all: map[int]bool{}}

// freePort returns a loopback port on which no process listens, each port once.
// Another process may still take it first: see Server.boot.
func freePort() (int, error) {
	given.Lock()
	defer given.Unlock()
	var listener net.ListenConfig
	for range 100 {
		port := lowestPort + rand.N(ports) //nolint:gosec // which port a test server gets is no secret
		if given.all[port] {
			continue
		}
		given.all[port] = true
		l, err := listener.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("redistest: no free loopback port")
}
