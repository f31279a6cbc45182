package redisledger

import "context"

// Persons returns the number of persons. It asks Redis for one number. Errors:
// ErrUnavailable.
func (l *Ledger) Persons(ctx context.Context) (int, error) {
	if err := l.begin(ctx); err != nil {
		return 0, err
	}
	defer l.work.Done()
	once, cancel := l.once(ctx)
	defer cancel()
	n, err := l.Client.HLen(once, l.key(tableKeys[0])).Result()
	l.answer(err)
	if err != nil {
		return 0, l.failed("counting the persons", err)
	}
	return int(n), nil
}
