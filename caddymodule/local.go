package caddymodule

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/sessionlist"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func init() {
	caddy.RegisterModule(LocalStore{})
}

// LocalStore keeps persons in one file on this machine and encrypts sessions
// into the visitors' cookies. It needs no other server. Only one running Caddy
// can use the file.
type LocalStore struct {
	// The folder for the ledger's file, `ledger.db`. A missing folder is
	// created, readable by the server's user only. Placeholders of the
	// environment and of files are allowed. Default: `wechat` in Caddy's data
	// directory.
	Folder string `json:"folder,omitempty"`

	path string
}

// CaddyModule returns the Caddy module information.
func (LocalStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.stores.local", New: func() caddy.Module { return new(LocalStore) }}
}

// Provision finds the folder. It opens nothing.
func (s *LocalStore) Provision(caddy.Context) error {
	folder, err := expand("store local", s.Folder)
	if err != nil {
		return err
	}
	if folder == "" {
		folder = filepath.Join(caddy.AppDataDir(), "wechat")
	}
	// The path must be absolute and clean: it is the key by which a reload
	// finds the open ledger.
	if s.path, err = filepath.Abs(filepath.Join(folder, "ledger.db")); err != nil {
		return fmt.Errorf("store local: %w", err)
	}
	return nil
}

// UnmarshalCaddyfile sets up the store from Caddyfile tokens. Syntax:
//
//	store local [<folder>]
func (s *LocalStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the store's name
	if d.NextArg() {
		s.Folder = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(d.Nesting()) {
		return d.Errf("store local takes no block, only a folder")
	}
	return nil
}

// pool holds what outlives a reload. The keys name the resources.
var pool = caddy.NewUsagePool()

// localState is one open ledger file and its data in memory.
type localState struct {
	*boltledger.Ledger
	memory site.Memory
	wake   waker
	scans  scan.Board
	ends   signout.Unfinished
	tokens wechat.MemoryTokens
}

// Destruct closes the ledger after the last configuration has released it.
func (s *localState) Destruct() error { return errors.Join(s.ends.Close(), s.Close()) }

// localSessions are the running requests that were admitted, and the sessions
// that were seen, with one set of keys and session times.
type localSessions struct {
	live live.List
	seen sessionlist.List
}

// Destruct cuts the requests that still run, as redisSessions does.
func (s *localSessions) Destruct() error { return s.live.Close() }

func (s *LocalStore) open(deps storeDeps) (opened, error) {
	key := "local:" + s.path
	value, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) {
		bolt, err := boltledger.Open(s.path)
		if err != nil {
			return nil, fmt.Errorf("store local: %w", err)
		}
		state := &localState{Ledger: bolt}
		bolt.Wake, state.ends.Logger = state.wake.wake, liveLogger("wechat.ends")
		state.memory.Once.Refusals = &counts.refused
		return state, nil
	})
	if err != nil {
		return opened{}, err
	}
	state := value.(*localState)
	sessionsKey := deps.sessionsKey(key)
	value, _, err = pool.LoadOrNew(sessionsKey, func() (caddy.Destructor, error) { return new(localSessions), nil })
	if err != nil {
		_, released := pool.Delete(key)
		return opened{}, errors.Join(err, released)
	}
	sessions := value.(*localSessions)
	sealed := &session.Sealed{Keys: deps.keys, Policy: deps.policy, Tombstones: state}
	return opened{
		ledger:      state,
		sessions:    measuredSessions{sessionlist.Store{Store: sealed, List: &sessions.seen, Withdrawn: sealed.Withdrawn}},
		seen:        &seenSessions{&sessions.seen, sealed},
		persons:     state.Count,
		file:        s.path,
		backup:      state.Backup,
		ended:       state.Ended,
		personEnded: state.PersonEnded,
		memory:      &state.memory,
		ends:        &state.ends,
		live:        &sessions.live,
		wake:        &state.wake,
		scans:       &state.scans,
		tokens:      &state.tokens,
		place:       key,
		identity:    state.Identity,
		asks:        storeAsks{sessions: state.Readable, ledger: state.Writable, persistence: onDisk},
		release: func() error {
			_, cut := pool.Delete(sessionsKey)
			_, closed := pool.Delete(key)
			return errors.Join(cut, closed)
		},
	}, nil
}

func (*LocalStore) kind() string { return "local" }

// Interface guards.
var (
	_ caddy.Provisioner     = (*LocalStore)(nil)
	_ caddyfile.Unmarshaler = (*LocalStore)(nil)
	_ store                 = (*LocalStore)(nil)
)
