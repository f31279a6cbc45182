package push

// maxRecent bounds what is remembered of events, in steps. WeChat repeats a push
// within 15 s; for longer, and after a restart, the ledger remembers.
const maxRecent = 65_536

// recent finds the step of an event that arrives again. The oldest make room.
type recent struct {
	steps map[string]*step
	keys  []string // a ring, in the order of arrival
	next  int
}

func (r *recent) find(key string) *step { return r.steps[key] }

func (r *recent) add(key string, s *step) {
	if r.steps == nil {
		r.steps = make(map[string]*step)
	}
	if len(r.keys) < maxRecent {
		r.keys = append(r.keys, key)
	} else {
		delete(r.steps, r.keys[r.next])
		r.keys[r.next] = key
		r.next = (r.next + 1) % maxRecent
	}
	r.steps[key] = s
}
