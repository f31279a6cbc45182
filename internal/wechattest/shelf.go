package wechattest

// shelf is a map that keeps only its newest entries, so that its memory is
// bounded (attack: a flood of requests).
type shelf[V any] struct {
	max   int
	items map[string]V
	ring  []string // keys in the order in which they were added; some may be removed
	next  int      // the next position in the full ring
}

func newShelf[V any](limit int) *shelf[V] { return &shelf[V]{max: limit, items: map[string]V{}} }

// put adds or replaces an entry.
func (s *shelf[V]) put(key string, v V) {
	if _, ok := s.items[key]; ok {
		s.items[key] = v
		return
	}
	s.items[key] = v
	if len(s.ring) < s.max {
		s.ring = append(s.ring, key)
		return
	}
	if old := s.ring[s.next]; old != key {
		delete(s.items, old)
	}
	s.ring[s.next] = key
	s.next = (s.next + 1) % s.max
}

func (s *shelf[V]) get(key string) (V, bool) {
	v, ok := s.items[key]
	return v, ok
}

// take removes an entry and returns it.
func (s *shelf[V]) take(key string) (V, bool) {
	v, ok := s.items[key]
	delete(s.items, key)
	return v, ok
}

// keys returns the keys, oldest first.
func (s *shelf[V]) keys() []string {
	keys := make([]string, 0, len(s.items))
	for i := range s.ring {
		key := s.ring[(s.next+i)%len(s.ring)]
		if _, ok := s.items[key]; ok {
			keys = append(keys, key)
		}
	}
	return keys
}
