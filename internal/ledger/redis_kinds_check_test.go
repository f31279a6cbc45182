package ledger

import (
	"context"
	"fmt"
	"strings"
)

// checkKinds looks at both indexes of a queue.
func (r *Redis) checkKinds(p *Posted, keys []string) error {
	read := func(key string, parts int) (map[string]EventKind, error) {
		members, err := r.Client.ZRange(context.Background(), key, 0, -1).Result()
		found := map[string]EventKind{}
		for _, m := range members {
			f := strings.Split(m, ":")
			if len(f) != parts {
				return nil, fmt.Errorf("outbox: the member %q of %s", m, key)
			}
			id := f[parts-1]
			for found[id] != "" {
				id += " again" // a fault, which kindsFault finds
			}
			found[id] = EventKind(f[0])
		}
		return found, err
	}
	var err error
	if p.Kinds, err = read(keys[7], 3); err != nil {
		return err
	}
	p.DeadKinds, err = read(keys[8], 4)
	return err
}
