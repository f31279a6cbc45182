package outage

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
)

// Down is something that does not answer.
type Down struct {
	What    string // such as "session store"
	Account string // the account by its name, where it is WeChat that does not answer
	Call    string // what was asked of it, where other calls may work; "" is reading
}

// Failure is what it meant for one request.
type Failure struct {
	Level  slog.Level
	Effect string // what did not happen, such as "session not renewed"
	Err    error
	Attrs  []slog.Attr // what else is known of the error
}

// Outages writes into the log what does not answer: one line when an outage begins,
// one a minute with the number of failures while it lasts, one when it ends. However
// many requests fail, they are not a line each (attack: an outage, or a flood during
// one, fills the disk with log lines and hides what matters). The zero value is ready.
type Outages struct {
	open atomic.Int32 // outages that last; while it is 0, Worked costs nothing

	mu  sync.Mutex
	all map[Down]*outage // bounded by the calls and accounts that there are
}

// outage is the state of one thing that was down at least once.
type outage struct {
	lasts  bool
	told   bool // its first line is written
	begins limit.One
	began  time.Time
	failed time.Time      // the last failure
	line   time.Time      // the last line about a failure
	recent map[string]int // failures since that line, by effect
	total  int
}

// round is how often the log says that an outage lasts.
const round = time.Minute

// StoreTimeout bounds what one request may wait for a store.
const StoreTimeout = 3 * time.Second

// quiet is how long nothing may have failed before a success ends an outage. A
// call takes no longer: the success is of one that began after the last failure.
const quiet = StoreTimeout

// begins limits the first lines of outages of one thing that comes and goes.
var begins = limit.Rate{Burst: 3, Every: round}

// Failed notes one failure.
func (o *Outages) Failed(logger *slog.Logger, d Down, f Failure) {
	message, attrs := o.count(d, f.Effect)
	level := f.Level
	if message == "" {
		message, attrs, level = f.Effect, d.attrs(), slog.LevelDebug
	}
	attrs = append(attrs, slog.Any("error", f.Err))
	logger.LogAttrs(context.Background(), level, message, append(attrs, f.Attrs...)...)
}

// count counts a failure and returns the line to be written, "" for none.
func (o *Outages) count(d Down, effect string) (message string, attrs []slog.Attr) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = make(map[Down]*outage)
	}
	one := o.all[d]
	if one == nil {
		one = &outage{recent: make(map[string]int)}
		o.all[d] = one
	}
	if !one.lasts {
		one.lasts, one.told, one.began, one.total = true, false, now, 0
		clear(one.recent)
		o.open.Add(1)
	}
	one.failed = now
	one.total++
	one.recent[effect]++
	attrs = d.attrs()
	switch {
	case !one.told && one.begins.Take(begins):
		message, attrs = "unavailable", append(attrs, slog.String("effect", effect))
	case now.Sub(one.line) >= round:
		number, effects := one.sum()
		message, attrs = "still unavailable", append(attrs, slog.Int("failures", number), slog.String("effects", effects), slog.Time("since", one.began))
	default:
		return "", nil
	}
	one.told, one.line = true, now
	clear(one.recent)
	return message, attrs
}

// Open reports whether an outage lasts.
func (o *Outages) Open() bool { return o.open.Load() > 0 }

// Worked ends the outages of what has just answered, if they last.
func (o *Outages) Worked(logger *slog.Logger, downs ...Down) {
	if o.open.Load() == 0 {
		return
	}
	for _, d := range downs {
		if total, lasted, over := o.end(d); over {
			logger.LogAttrs(context.Background(), slog.LevelInfo, "available again",
				append(d.attrs(), slog.Int("failures", total), slog.Duration("lasted", lasted))...)
		}
	}
}

func (o *Outages) end(d Down) (total int, lasted time.Duration, over bool) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	one := o.all[d]
	switch {
	case one == nil || !one.lasts, now.Sub(one.failed) < quiet:
		return 0, 0, false
	case !one.told && now.Sub(one.line) < round:
		return 0, 0, false // it comes and goes: the log has its lines of this minute
	}
	one.lasts = false
	o.open.Add(-1)
	return one.total, one.failed.Sub(one.began), true
}

// sum is the number of failures since the last line, and how many had which effect.
func (one *outage) sum() (number int, effects string) {
	var parts []string
	for _, effect := range slices.Sorted(maps.Keys(one.recent)) {
		number += one.recent[effect]
		parts = append(parts, effect+": "+strconv.Itoa(one.recent[effect]))
	}
	return number, strings.Join(parts, "; ")
}

func (d Down) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("what", d.What)}
	if d.Account != "" {
		attrs = append(attrs, slog.String("account", d.Account))
	}
	if d.Call != "" {
		attrs = append(attrs, slog.String("call", d.Call))
	}
	return attrs
}
