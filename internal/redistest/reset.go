package redistest

import (
	"errors"
	"fmt"
	"reflect"
)

// nodeState is what a test may have changed in a node, apart from its keys.
type nodeState struct {
	config map[string]string
	users  []string
	role   string
}

func (e *serverSet) state(servers []*Server) ([]nodeState, error) {
	all := make([]nodeState, len(servers))
	for i, s := range servers {
		role, err := s.Do("role").Slice()
		if err != nil {
			return nil, err
		}
		all[i].role, _ = role[0].(string)
		if all[i].config, err = pairs(s.Do("config", "get", "*")); err != nil {
			return nil, err
		}
		if all[i].users, err = s.Do("acl", "list").StringSlice(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// reset empties a backend that is otherwise as it was started.
func (e *serverSet) reset(servers []*Server) error {
	if e.touched.Load() {
		return errors.New("it was killed, paused or failed over")
	}
	now, err := e.state(servers)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(now, e.as) {
		return errors.New("its configuration or its users were changed")
	}
	for i, s := range servers {
		steps := [][]any{{"script", "flush"}, {"config", "resetstat"}}
		if now[i].role == "master" {
			steps = append(steps, []any{"flushall", "sync"}, []any{"function", "flush"})
		}
		for _, step := range steps {
			if err := s.Do(step...).Err(); err != nil {
				return fmt.Errorf("%s: %s: %w", s.Addr, step[0], err)
			}
		}
	}
	return until(func() error { return each(servers, empty) })
}

// empty succeeds when a node has no keys: replicas follow their master a moment
// later.
func empty(s *Server) error {
	n, err := s.Do("dbsize").Int64()
	if err == nil && n != 0 {
		err = fmt.Errorf("%d keys", n)
	}
	return err
}
