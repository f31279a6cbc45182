package redistest

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	adminUser   = "redistest"      // the user of the controls, on every node
	callTimeout = 10 * time.Second // for one command of a test
	askTimeout  = time.Second      // for one question of a control, which asks again
)

// Do runs one command on this node, as an administrator that stays signed in
// when users or passwords change. It follows no redirect. It waits at most 10
// s.
func (s *Server) Do(args ...any) *redis.Cmd { return s.do(callTimeout, args...) }

// ask is Do for controls that wait for something: a node that stands still must
// not block them.
func (s *Server) ask(args ...any) *redis.Cmd { return s.do(askTimeout, args...) }

func (s *Server) do(timeout time.Duration, args ...any) *redis.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := redis.NewCmd(ctx, args...)
	// Connect here, not in the client: the client would print each refusal
	// while a server starts or fails over.
	conn, err := s.connect(ctx)
	if err != nil {
		cmd.SetErr(err)
		return cmd
	}
	defer conn.Close()
	client := redis.NewClient(&redis.Options{
		Dialer:   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		Username: adminUser, Password: s.admin, Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		ReadTimeout: timeout, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer client.Close()
	_ = client.Process(ctx, cmd) // the error is in cmd
	return cmd
}

func (s *Server) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if s.certs == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
	}
	return (&tls.Dialer{Config: s.certs.Config()}).DialContext(ctx, "tcp", s.Addr)
}
