package redistest

import (
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Backend is what every kind of Redis here can do: [Server], [Sentinels] and
// [Nodes].
type Backend interface {
	Universal() *redis.UniversalOptions                   // new on each call: the caller may change it
	Client() redis.UniversalClient                        // with these options; closed when the test ends
	Dial(o *redis.UniversalOptions) redis.UniversalClient // with changed ones; closed when the test ends
	URL() string                                          // as operators write it, with user and password
	Certs() *Certs                                        // nil in clear text
	Servers() []*Server                                   // the data nodes

	Kill()                 // SIGKILL to every data node
	Restart()              // starts every data node that is not running; returns when the backend serves again
	Pause(d time.Duration) // SIGSTOP to every data node; they go on after d, or (d = 0) when Resume is called
	Resume()               // ends a pause

	whole() *serverSet
}

// universal returns the options that all kinds share.
func (e *serverSet) universal(servers []*Server) *redis.UniversalOptions {
	o := &redis.UniversalOptions{Addrs: addrs(servers), Username: e.opts.Username, Password: e.opts.Password}
	if e.certs != nil {
		o.TLSConfig = e.certs.Config()
	}
	return o
}

// Dial returns a client with the caller's options, closed when the test ends.
//
// A client of a Cluster looks for the masters again after a second. go-redis
// v9.23 by itself does so only after a MOVED or READONLY answer, which a dead
// master cannot give, or after 60 s; redis.NewUniversalClient cannot change
// that.
func (e *serverSet) Dial(o *redis.UniversalOptions) redis.UniversalClient {
	var c redis.UniversalClient
	if o.IsClusterMode && o.MasterName == "" {
		cluster := o.Cluster()
		cluster.ClusterStateReloadInterval = time.Second
		c = redis.NewClusterClient(cluster)
	} else {
		c = redis.NewUniversalClient(o)
	}
	e.tb.Cleanup(func() { _ = c.Close() }) // the test may have closed it
	return c
}

// url returns redis://, redis+sentinel:// or redis+cluster:// with the
// addresses and a path.
func (e *serverSet) url(kind, path string, servers []*Server) string {
	scheme := "redis"
	if e.certs != nil {
		scheme = "rediss"
	}
	u := url.URL{Scheme: scheme + kind, Host: strings.Join(addrs(servers), ","), Path: path}
	if e.opts.Password != "" {
		u.User = url.UserPassword(e.opts.Username, e.opts.Password)
	}
	return u.String()
}

func addrs(servers []*Server) []string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Addr)
	}
	return all
}

// Universal returns options that lead to this server alone.
func (s *Server) Universal() *redis.UniversalOptions { return s.universal(s.Servers()) }

// Client returns a client of this server alone.
func (s *Server) Client() redis.UniversalClient { return s.Dial(s.Universal()) }

// URL returns redis://[user:password@]host:port/0, or rediss:// with TLS.
func (s *Server) URL() string { return s.url("", "/0", s.Servers()) }

// Servers returns the server itself.
func (s *Server) Servers() []*Server { return []*Server{s} }
