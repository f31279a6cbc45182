package command

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/sys/unix"
)

// listeners returns the users of the programs that listen at an address of this
// machine, none if that is not known.
func listeners(ctx context.Context, at caddy.NetworkAddress) (uids []int) {
	switch {
	case at.IsUnixNetwork():
		if uid, ok := socketOwner(ctx, at); ok {
			uids = append(uids, uid)
		}
	case onThisMachine(at):
		for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			table, _ := os.ReadFile(name) // without it, nothing is known
			uids = append(uids, tcpListeners(string(table), at.StartPort)...)
		}
	}
	return uids
}

// socketOwner returns the user of the program that listens on a Unix socket.
func socketOwner(ctx context.Context, at caddy.NetworkAddress) (uid int, ok bool) {
	conn, err := dialSocket(ctx, at)
	if err != nil {
		return 0, false // the call itself says why
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		peer, failed := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if failed == nil {
			uid, ok = int(peer.Uid), true
		}
	})
	return uid, ok && err == nil
}

// dialSocket connects to the Unix socket of an endpoint.
func dialSocket(ctx context.Context, at caddy.NetworkAddress) (*net.UnixConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, at.Network, at.JoinHostPort(0))
	if err != nil {
		return nil, err
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("this is no Unix socket"), conn.Close())
	}
	return socket, nil
}
