// Package redistest starts real Redis servers for tests: one server, one with
// TLS, a Sentinel group of three, and a Cluster of six nodes. They listen on
// loopback only. Each is a child process of the test, and all are gone when the
// test ends, even when the test process is killed.
//
// A test may start its own servers:
//
//	server := redistest.Standalone(t, redistest.Options{Username: "gateway", Password: "secret", AppendOnly: true})
//	client := server.Client() // or redis.NewUniversalClient(server.Universal())
//	server.Kill()
//	server.Restart()
//
// or borrow them from a [Shared], which starts each once and empties it between
// tests:
//
//	var shared redistest.Shared
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Main(m)) }
//
//	func TestStore(t *testing.T) {
//		shared.Each(t, func(t *testing.T, b redistest.Backend) { … b.Client() … })
//	}
//
// # Outages
//
//	Kill, Restart      the process dies at once (SIGKILL); it comes back on the same port with what AppendOnly kept
//	Pause, Resume      the process stands still (SIGSTOP): connections stay open and answer nothing
//	Failover           the master dies; returns when another node is master (Sentinel, Cluster)
//	Do                 any command on that node, as an administrator that stays signed in when passwords change:
//
//	server.Do("config", "set", "maxmemory", "1")                            // OOM for every write
//	server.Do("replicaof", "127.0.0.1", "1")                                // READONLY for every write
//	server.Do("acl", "setuser", "default", "resetpass", ">new")             // WRONGPASS for new connections;
//	server.Do("client", "kill", "type", "normal")                           // … and closes existing connections
//	server.Do("client", "pause", "3000", "all")                             // no answers for 3 s, not to Do either
//
// Without AppendOnly, a master that is restarted within a second comes back
// empty and empties its replicas.
//
// Controls report failures with testing.TB.Errorf, so any goroutine of the test
// may call them.
//
// # What it may import
//
// The standard library and go-redis. It needs redis-server 7 in PATH and fails,
// never skips, without it.
package redistest
