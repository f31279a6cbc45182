package scan

import (
	"context"
	"net/netip"
	"sync"
)

const (
	// maxStreams is how many browsers may wait in streams of one instance, and
	// maxNetworkStreams how many of one network. The others poll every two
	// seconds (attack: any visitor can open streams).
	maxStreams        = 4096
	maxNetworkStreams = 256
)

// Streams counts the browsers that wait in a stream. The zero value is ready.
type Streams struct {
	mu       sync.Mutex
	waiting  map[string]*stream // by the code's id
	networks map[netip.Prefix]int
}

type stream struct{ end context.CancelFunc }

// Enter admits a browser. Each code has one stream, the newest, since a broken
// connection may still look open. The caller must call leave when the stream
// ends.
func (s *Streams) Enter(parent context.Context, id string, from netip.Prefix) (ctx context.Context, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.waiting[id]
	if before == nil && len(s.waiting) >= maxStreams || s.networks[from] >= maxNetworkStreams {
		return nil, nil, false
	}
	if s.waiting == nil {
		s.waiting, s.networks = make(map[string]*stream), make(map[netip.Prefix]int)
	}
	if before != nil {
		before.end()
	}
	ctx, end := context.WithCancel(parent)
	mine := &stream{end}
	s.waiting[id] = mine
	s.networks[from]++
	return ctx, func() { s.leave(id, from, mine) }, true
}

func (s *Streams) leave(id string, from netip.Prefix, mine *stream) {
	mine.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[id] == mine {
		delete(s.waiting, id)
	}
	if s.networks[from]--; s.networks[from] <= 0 {
		delete(s.networks, from)
	}
}
