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

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/limit"
)

// Down names something that does not answer.
type Down struct {
	What    string // such as "session store"
	Account string // the account's name, if WeChat does not answer
	Call    string // the failing call, if others may work; "" is reading
}

// Failure is the effect of an outage on one request.
type Failure struct {
	Level  slog.Level
	Effect string // what did not happen, such as "session not renewed"
	Err    error
	Attrs  []slog.Attr // further details of the error
}

// Outages logs outages: one line when an outage begins, one a minute with the
// number of failures while it lasts, one when it ends. Failing requests do not
// each get a line (attack: an outage, or a flood during one, fills the disk
// with log lines and hides what matters). The zero value is ready.
type Outages struct {
	open atomic.Int32 // number of open outages; while it is 0, Worked costs nothing

	mu  sync.Mutex
	all map[Down]*outage // bounded by the number of calls and accounts
}

// outage is the state of something that was down at least once.
type outage struct {
	lasts  bool
	told   bool // its first line was logged
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

// quiet is how long there must be no failure before a success ends an outage.
// No call takes longer, so the successful one began after the last failure.
const quiet = StoreTimeout

// begun is the message of the line with which an outage begins.
const begun = "unavailable"

// begins limits the first lines about something that fails again and again.
var begins = limit.Rate{Burst: 3, Every: round}

// Failed records one failure. It reports whether the log now says that an
// outage begins.
func (o *Outages) Failed(logger *slog.Logger, d Down, f Failure) (begins bool) {
	message, attrs := o.count(d, f.Effect)
	begins = message == begun
	level := f.Level
	if message == "" {
		message, attrs, level = f.Effect, d.attrs(), slog.LevelDebug
	}
	attrs = append(attrs, slog.Any("error", f.Err))
	logger.LogAttrs(context.Background(), level, message, append(attrs, f.Attrs...)...)
	return begins
}

// count counts a failure and returns the line to log, "" for none.
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
		message, attrs = begun, append(attrs, slog.String("effect", effect))
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

// Worked ends open outages of what has just answered, and returns them.
func (o *Outages) Worked(logger *slog.Logger, downs ...Down) (ended []Down) {
	if o.open.Load() == 0 {
		return nil
	}
	for _, d := range downs {
		if total, lasted, over := o.end(d); over {
			logger.LogAttrs(context.Background(), slog.LevelInfo, "available again",
				append(d.attrs(), slog.Int("failures", total), slog.Duration("lasted", lasted))...)
			ended = append(ended, d)
		}
	}
	return ended
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
		return 0, 0, false // it fails again and again: it has had its log lines for this minute
	}
	one.lasts = false
	o.open.Add(-1)
	return one.total, one.failed.Sub(one.began), true
}

// sum returns the number of failures since the last line, in total and by
// effect.
func (one *outage) sum() (number int, effects string) {
	var parts []string
	for _, effect := range slices.Sorted(maps.Keys(one.recent)) {
		number += one.recent[effect]
		parts = append(parts, effect+": "+strconv.Itoa(one.recent[effect]))
	}
	return number, strings.Join(parts, "; ")
}

// fields returns the data of an event about d.
func (d Down) fields() []audit.Field {
	return []audit.Field{{Name: audit.FieldWhat, Value: d.What}, {Name: audit.FieldAccount, Value: d.Account}, {Name: audit.FieldCall, Value: d.Call}}
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
