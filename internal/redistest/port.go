package redistest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken below the range from which the kernel gives ports to outgoing connections (32768 and up): a killed
// server's port stays free until it is restarted.
const (
	lowestPort = 12000
	ports      = 20000
)

// freePort returns a loopback port on which nobody listens. Another process may still be quicker: see Server.boot.
func freePort() (int, error) {
	var listener net.ListenConfig
	for range 100 {
		port := lowestPort + rand.N(ports) //nolint:gosec // which port a test server gets is no secret
		l, err := listener.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("redistest: no free loopback port")
}
