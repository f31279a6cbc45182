package redisledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// queueKeys are the keys of one target's queue, in the order in which scripts
// get them: hashes of entries and states by id, sorted sets of ids by number,
// of lines, and of due events by time, a hash of dead letters by id, and a
// sorted set of them by time. Older gateways do not have the last three, see
// luaKinds: sorted sets of waiting events and of dead letters by kind, and a
// hash with the progress of each sweep.
var queueKeys = [...]string{"entry", "state", "order", "line", "due", "dead", "buried", "kinds", "deadkinds", "sweep"}

func (s *server) queueKeys(target string) []string {
	keys := make([]string, len(queueKeys))
	for i, name := range queueKeys {
		keys[i] = s.key("out:" + target + ":" + name)
	}
	return keys
}

// use adds keys to those the script gets, and returns the number of the first.
// A step on the keys just added may leave out its own.
func (b *batch) use(keys ...string) int {
	b.keys = append(b.keys, keys...)
	return len(tableKeys) + len(b.keys) - len(keys) + 1
}

// step adds a step on these keys.
func (b *batch) step(name string, first int, args ...any) {
	b.steps = append(b.steps, name, first)
	for i := range 5 {
		if i < len(args) {
			b.steps = append(b.steps, args[i])
		} else {
			b.steps = append(b.steps, "")
		}
	}
}

// once adds the condition that a key was not seen within the last day, and
// records it.
func (b *batch) once(s *server, key string) {
	b.step("once", b.use(s.key("once:"+key)), b.stamp, ledger.OnceFor.Milliseconds())
}

// tally has the script answer the number of changes again if it is sent twice,
// because the first answer was lost. No step that counts comes behind it.
func (b *batch) tally(s *server) {
	b.step("tally", b.use(s.key("once:"+b.stamp)), tallyFor.Milliseconds())
}

// tallyFor is longer than a call tries again.
const tallyFor = time.Minute

// notify puts notices into the outbox.
func (b *batch) notify(s *server, all []ledger.Notice) error {
	first := map[string]int{}
	for _, n := range all {
		event, err := ledger.EncodeEvent(&n.Event)
		if err != nil {
			return err
		}
		entry := fmt.Sprintf("%015d%s%s", time.Now().UnixMilli(), n.Line, event)
		var lines []string
		for _, alias := range n.Aliases {
			lines = append(lines, ledger.PersonLine(alias))
		}
		for _, target := range n.To {
			if first[target] == 0 {
				first[target] = b.use(s.queueKeys(target)...)
			}
			b.step("add", first[target], n.Event.ID, entry, strings.Join(lines, ","))
		}
	}
	return nil
}
