package redisledger

import "context"

// Count implements Ledger. It asks Redis for one number.
func (l *Ledger) Count(ctx context.Context) (int, error) {
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
