package redisledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Answers of writeScript other than the number of a check.
const (
	answerSchema = -1
	answerSeen   = -2
	answerLeased = -3
)

var (
	errSeen   = errors.New("ledger: the key was seen before")
	errLeased = errors.New("ledger: another owner has the lease")
)

// write runs a batch. conflict is the number of the check that failed, 0 if the
// batch was carried out; added is the number of events put into the outbox, or
// of dead letters purged. Errors: ErrUnavailable, errSeen, errLeased.
func (s *server) write(ctx context.Context, b *batch) (conflict, added int, err error) {
	ctx, cancel := s.once(ctx)
	defer cancel()
	b.relist(s)
	got, err := writeScript.Run(ctx, s.Client, append(s.keys(), b.keys...), s.arguments(b)...).Int64Slice()
	if refused := redis.Error(nil); !errors.As(err, &refused) { // a full Redis, or a replica, still answers readers
		s.answer(err)
	}
	if err == nil && len(got) != 2 {
		err = ledger.Corrupt("%d answers instead of 2", len(got))
	}
	if err != nil {
		return 0, 0, s.failed("writing", err)
	}
	return b.understand(int(got[0]), int(got[1]))
}

// arguments returns the arguments of writeScript.
func (s *server) arguments(b *batch) []any {
	most := s.limits.Bounds()
	args := []any{
		schema, s.key("news"), b.news, b.endNews, time.Now().UnixMilli(), most.Waiting, most.Dead, ledger.DeadFor.Milliseconds(),
		len(b.checks) / 3, len(b.writes) / 3, b.stamp,
	}
	return append(append(append(args, b.checks...), b.writes...), b.steps...)
}

func (b *batch) understand(code, added int) (int, int, error) {
	switch {
	case code == answerSchema:
		return 0, 0, checkSchema("other")
	case code == answerSeen:
		return 0, 0, errSeen
	case code == answerLeased:
		return 0, 0, errLeased
	case code < 0 || code > len(b.checks)/3:
		return 0, 0, fmt.Errorf("%w: writing: answer %d", ledger.ErrUnavailable, code)
	}
	return code, added, nil
}
