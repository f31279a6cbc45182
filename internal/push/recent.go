package push

// maxRecent bounds the number of remembered steps. WeChat repeats a push within
// 15 s; after that, and after a restart, the ledger detects repetitions.
const maxRecent = 65_536

// recent finds the step of an event that arrives again. New steps replace the
// oldest ones.
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
