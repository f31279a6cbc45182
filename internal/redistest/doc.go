// Package redistest starts real Redis servers for tests: one server, one with TLS, a Sentinel group of three, and a
// Cluster of six nodes. They listen on loopback only, each is a child process of the test, and all are gone when the
// test ends, also when the test process is killed.
//
// Every test may have its own servers:
//
//	server := redistest.Standalone(t, redistest.Options{Username: "gateway", Password: "secret", AppendOnly: true})
//	client := server.Client() // or redis.NewUniversalClient(server.Universal())
//	server.Kill()
//	server.Restart()
//
// or borrow them from a [Shared], which starts each once and empties it between tests:
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
//	Do                 any command as an administrator whom no change of passwords locks out, on that very node:
//
//	server.Do("config", "set", "maxmemory", "1")                            // OOM for every write
//	server.Do("replicaof", "127.0.0.1", "1")                                // READONLY for every write
//	server.Do("acl", "setuser", "default", "resetpass", ">new")             // WRONGPASS for new connections;
//	server.Do("client", "kill", "type", "normal")                           // … and connections made before go
//	server.Do("client", "pause", "3000", "all")                             // no answers for 3 s, nor to Do
//
// Without AppendOnly a master that is restarted within the second comes back empty and empties its replicas.
//
// Controls report what goes wrong with testing.TB.Errorf, so they may be called from any goroutine of the test.
//
// # What it may import
//
// The standard library and go-redis. It needs redis-server 7 in PATH and fails, never skips, without it.
package redistest
