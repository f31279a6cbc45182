package wechattest

// shelf is a map that keeps its newest entries only, so that a flood costs a
// bounded amount of memory.
type shelf[V any] struct {
	max   int
	items map[string]V
	ring  []string // keys, in order of their coming; may name some that are gone
	next  int      // where the ring is written, once it is full
}

func newShelf[V any](limit int) *shelf[V] { return &shelf[V]{max: limit, items: map[string]V{}} }

// put adds an entry, or changes the one that is there.
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

// keys returns the keys, the oldest first.
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
