package redisledger

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The fields of meta that register queues: one for each target that has had an
// event, and one that says that the queues of older gateways are registered,
// too.
const (
	fieldQueue  = "out:"
	fieldQueues = "outs"
)

// queueNames returns the names of all targets that may have a queue, configured
// or not.
func (l *Ledger) queueNames(ctx context.Context) ([]string, error) {
	once, cancel := l.once(ctx)
	fields, err := l.Client.HKeys(once, l.key("meta")).Result()
	cancel()
	l.answer(err)
	if err != nil {
		return nil, l.failed("reading the targets", err)
	}
	names := l.targets.Names()
	for _, field := range fields {
		if name, ok := strings.CutPrefix(field, fieldQueue); ok {
			names = append(names, name)
		}
	}
	if !slices.Contains(fields, fieldQueues) {
		found, err := l.findQueues(ctx)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// findQueues looks through the names of all keys for the queues of older
// gateways, which did not register them, and registers them. It is done once
// for each store.
func (l *Ledger) findQueues(ctx context.Context) (names []string, err error) {
	node, err := l.node(ctx)
	if err != nil {
		return nil, l.failed("looking for queues", err)
	}
	prefix := l.key(fieldQueue)
	pattern := globEscaper.Replace(prefix) + "*:" + queueKeys[0]
	b := newBatch()
	for cursor := uint64(0); ; {
		once, cancel := l.once(ctx)
		keys, next, err := node.Scan(once, cursor, pattern, 5000).Result()
		cancel()
		l.answer(err)
		if err != nil {
			return nil, l.failed("looking for queues", err)
		}
		for _, key := range keys {
			name, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), ":")
			if ledger.CheckTarget(name) == nil && !slices.Contains(names, name) {
				names = append(names, name)
				b.step("note", b.use(l.queueKeys(name)...))
			}
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	b.step("noted", 1)
	_, _, err = l.write(ctx, b)
	return names, err
}

// globEscaper makes a pattern that matches a text only.
var globEscaper = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`)

// node returns the server that has the ledger's slot.
func (s *server) node(ctx context.Context) (redis.Cmdable, error) {
	cluster, ok := s.Client.(*redis.ClusterClient)
	if !ok {
		return s.Client, nil
	}
	once, cancel := s.once(ctx)
	defer cancel()
	return cluster.MasterForKey(once, s.key("meta"))
}
