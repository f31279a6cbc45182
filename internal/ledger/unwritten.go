package ledger

import (
	"sync"
	"time"
)

const (
	// maxUnwritten is how many unwritten ends are remembered. When there are
	// more, every end counts as unwritten for unwrittenDoubt.
	maxUnwritten   = 65536
	unwrittenDoubt = time.Hour
)

// UnwrittenEnds holds the ends that hold in memory but may be missing in the
// store, because their write failed. A session that one of them ended is over
// here, and alive on another instance or after a restart (attack: a sign-out
// that failed is repeated, finds the session over, and is reported as done).
// The zero value is ready.
type UnwrittenEnds struct {
	mu    sync.Mutex
	at    map[string]int64 // by session id, 16 bytes, or person id: the creation time up to which sessions end; 0 for a session
	doubt time.Time        // until when every end counts as unwritten
}

// Note records the result of writing an end, and returns its error. For the end
// of a session at is 0.
func (u *UnwrittenEnds) Note(err error, at int64, names ...string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range names {
		old, known := u.at[name]
		switch {
		case err == nil && known && at >= old:
			delete(u.at, name)
		case err == nil, known && at <= old:
		case !known && len(u.at) >= maxUnwritten:
			u.doubt = time.Now().Add(unwrittenDoubt)
		default:
			if u.at == nil {
				u.at = make(map[string]int64)
			}
			u.at[name] = at
		}
	}
	return err
}

// NoteWithdrawn is Note for a withdrawal.
func (u *UnwrittenEnds) NoteWithdrawn(d *Withdrawn, err error) {
	if d.Ends {
		_ = u.Note(err, d.End.At, d.Before.IDs()...)
	}
}

// Has reports whether an end of this session, this person or Everyone is
// unwritten.
func (u *UnwrittenEnds) Has(id [16]byte, person string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, session := u.at[string(id[:])]
	_, own := u.at[person]
	_, all := u.at[Everyone]
	return session || own || all || time.Now().Before(u.doubt)
}
