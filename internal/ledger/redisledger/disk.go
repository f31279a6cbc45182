package redisledger

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// longUnsaved is the longest time between two snapshots of a Redis with
// snapshots and changing data: with default settings it takes one after an
// hour.
const longUnsaved = 25 * time.Hour

// toldOnce guards the log lines about the servers that are written once.
type toldOnce struct{ eviction, disk, unknown sync.Once }

// onDisk says whether a Redis keeps its data across a restart.
type onDisk int

const (
	diskUnknown onDisk = iota
	diskKept
	diskNothing
)

// checkDisk warns about a Redis without persistence: after its restart the
// ledger would be empty, and every person would get another id.
func (s *server) checkDisk(ctx context.Context, server redis.Cmdable) {
	info, err := server.Info(ctx, "persistence").Result()
	if err != nil {
		return
	}
	kept := diskOf(info, time.Now(), func() (string, bool) { return saveSetting(ctx, server) })
	switch kept {
	case diskNothing:
		s.told.disk.Do(func() {
			s.Logger.Warn("Redis keeps nothing on disk (its persistence is off): after a restart every person gets a new X-Wechat-User, every visitor must sign in again, and waiting events are lost. Set appendonly yes",
				"persistence", "none")
		})
	case diskUnknown:
		s.told.unknown.Do(func() {
			s.Logger.Info("Redis does not tell whether it keeps data on disk (persistence): make sure that it does, with appendonly yes",
				"persistence", "unknown")
		})
	case diskKept:
	}
}

// Persistence says whether the Redis keeps its data across a restart: kept,
// and known whether it is. In a Cluster it is not kept if one master does not
// keep it. A Redis that does not answer is not known.
func (l *Ledger) Persistence(ctx context.Context) (kept, known bool) {
	if err := l.begin(ctx); err != nil {
		return false, false
	}
	defer l.work.Done()
	once, cancel := l.once(ctx)
	defer cancel()
	var mu sync.Mutex
	least := diskKept
	ask := func(ctx context.Context, server redis.Cmdable) error {
		found := diskUnknown
		if info, err := server.Info(ctx, "persistence").Result(); err == nil {
			found = diskOf(info, time.Now(), func() (string, bool) { return saveSetting(ctx, server) })
		}
		mu.Lock()
		defer mu.Unlock()
		if found == diskNothing || least == diskKept {
			least = found
		}
		return nil
	}
	var err error
	if cluster, ok := l.Client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(once, func(ctx context.Context, node *redis.Client) error { return ask(ctx, node) })
	} else {
		err = ask(once, l.Client)
	}
	return err == nil && least == diskKept, err == nil && least != diskUnknown
}

// diskOf reads INFO persistence, which does not contain the snapshot setting;
// save asks for that. If save gets no answer, the age of the last snapshot
// decides.
func diskOf(info string, now time.Time, save func() (string, bool)) onDisk {
	switch infoField(info, "aof_enabled") {
	case "0":
	case "1":
		return diskKept
	default: // not Redis, but a server that speaks its protocol
		return diskUnknown
	}
	if setting, ok := save(); ok && setting != "" {
		return diskKept
	} else if ok {
		return diskNothing
	}
	savedAt, err := strconv.ParseInt(infoField(info, "rdb_last_save_time"), 10, 64) // on a new server: its start time
	if changes := infoField(info, "rdb_changes_since_last_save"); err == nil && changes != "" && changes != "0" && now.Sub(time.Unix(savedAt, 0)) > longUnsaved {
		return diskNothing
	}
	return diskUnknown
}

// mayReadConfig asks Redis whether CONFIG GET is allowed, without trying it:
// Redis logs each refusal. Redis 6.2 cannot tell.
const mayReadConfig = `if redis.acl_check_cmd and not redis.acl_check_cmd('CONFIG', 'GET', 'save') then return 0 end return 1`

// saveSetting returns the snapshot setting of Redis, "" for never; false if
// Redis does not tell, as most hosted ones do not.
func saveSetting(ctx context.Context, server redis.Cmdable) (save string, ok bool) {
	if may, err := server.Eval(ctx, mayReadConfig, nil).Int(); err != nil || may != 1 {
		return "", false
	}
	settings, err := server.ConfigGet(ctx, "save").Result()
	if err != nil {
		return "", false
	}
	save, ok = settings["save"]
	return save, ok
}
