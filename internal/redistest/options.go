package redistest

import (
	"errors"
	"fmt"
	"strings"
)

// Options of the servers of one backend. The zero value is a server without
// passwords, in clear text, without persistence.
type Options struct {
	Username string // ACL user; empty with a Password: the user "default"
	Password string // printable ASCII without space, quote and backslash

	SentinelPassword string // what the sentinels themselves require; empty: nothing

	// AppendOnly keeps data over Kill and Restart: every write reaches the
	// kernel before it is answered.
	AppendOnly bool

	// TLS replaces clear text. The servers require a client certificate, unless
	// Config has "tls-auth-clients optional".
	TLS bool

	Config []string // further lines of redis.conf, such as "maxmemory 10mb"; not for the sentinels
}

func (o Options) check() error {
	if o.Username != "" && o.Password == "" {
		return errors.New("redistest: a user without a password")
	}
	for _, word := range []string{o.Username, o.Password, o.SentinelPassword} {
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'\`, r) }) {
			return fmt.Errorf("redistest: %q cannot be written in redis.conf", word)
		}
	}
	return nil
}

// common returns the lines that data nodes and sentinels share.
func (s *Server) common() []string {
	lines := []string{
		"bind 127.0.0.1",
		"protected-mode no",
		"daemonize no",
		`logfile ""`,
		"dir " + s.dir,
		"user " + adminUser + " on >" + s.admin + " ~* &* +@all",
	}
	if s.certs == nil {
		return append(lines, "port "+s.port())
	}
	return append(
		lines, "port 0", "tls-port "+s.port(), "tls-replication yes",
		"tls-ca-cert-file "+s.certs.CAFile, "tls-cert-file "+s.certs.serverCert, "tls-key-file "+s.certs.serverKey,
	)
}

// data returns redis.conf of a data node.
func (s *Server) data() []string {
	o := s.opts
	lines := append(
		s.common(),
		`save ""`,
		"lua-time-limit 60000", // a script that is slow on a busy machine is not an outage
		"enable-debug-command yes",
		"repl-diskless-sync-delay 0", // a replica does not wait five seconds for others
		"repl-ping-replica-period 1",
		"masteruser "+adminUser, "masterauth "+s.admin,
	)
	if o.AppendOnly {
		// "no" leaves the fsync to the kernel, but writes before each answer:
		// that survives SIGKILL. With "everysec" a write may wait two seconds
		// inside the process.
		lines = append(lines, "appendonly yes", "appendfsync no")
	}
	switch {
	case o.Username != "" && o.Username != "default":
		lines = append(lines, "user default off", "user "+o.Username+" on >"+o.Password+" ~* &* +@all")
	case o.Password != "":
		lines = append(lines, "requirepass "+o.Password)
	}
	return append(append(lines, s.extra...), o.Config...)
}
