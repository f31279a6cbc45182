package redisledger

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// SetTargets implements Outbox.
func (l *Ledger) SetTargets(all []ledger.Target) { l.targets.Set(all) }

// Tell implements Outbox.
func (l *Ledger) Tell(ctx context.Context, e ledger.Event) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	e, key, err := e.Tellable()
	if err != nil || len(l.targets.Wanting(e.Kind)) == 0 {
		return err
	}
	err = l.rounds(ctx, func() (plan, error) {
		b, p, gone, err := l.findPerson(ctx, &e)
		if err != nil || gone {
			return plan{}, err
		}
		all := l.targets.Notices(p, e)
		if len(all) == 0 {
			return plan{}, nil
		}
		if key != "" {
			b.once(&l.server, key)
		}
		return plan{batch: b, names: []string{e.Person, e.ID}}, b.notify(&l.server, all)
	}, l.wake)
	if errors.Is(err, errSeen) {
		return nil
	}
	return err
}

// findPerson finds the person of an event, nil if it has none, and adds the
// condition that the record stays as it is. gone is true if the person is not
// in the ledger.
func (s *server) findPerson(ctx context.Context, e *ledger.Event) (b *batch, p *ledger.Person, gone bool, err error) {
	b = newBatch()
	if e.Person == "" {
		return b, nil, false, nil
	}
	v, err := s.look(ctx, ledger.Query{ID: e.Person})
	if err != nil || v.id.person == nil {
		return nil, nil, true, err
	}
	b.expectPerson(v.id)
	return b, v.id.person, false, nil
}

// wake reports that events were put into the outbox.
func (l *Ledger) wake(added int) {
	if added > 0 && l.Wake != nil {
		l.Wake()
	}
}

// Due implements Outbox.
func (l *Ledger) Due(ctx context.Context, target string, now time.Time, limit int) (due []ledger.Delivery, next time.Time, err error) {
	if err := l.beginTarget(ctx, target); err != nil {
		return nil, time.Time{}, err
	}
	defer l.work.Done()
	ctx, cancel := l.once(ctx)
	defer cancel()
	got, err := dueScript.Run(ctx, l.Client, l.queueKeys(target), now.UnixMilli(), ledger.ClampLimit(limit)).StringSlice()
	l.answer(err)
	if err != nil {
		return nil, time.Time{}, l.failed("reading the outbox", err)
	}
	if len(got)%2 != 1 {
		return nil, time.Time{}, ledger.Corrupt("%d answers of the outbox", len(got))
	}
	if got[0] != "" {
		ms, err := strconv.ParseInt(got[0], 10, 64)
		if err != nil {
			return nil, time.Time{}, ledger.Corrupt("a time of the outbox cannot be read")
		}
		next = time.UnixMilli(ms).UTC()
	}
	for i := 1; i+1 < len(got); i += 2 {
		d, err := parseDelivery(got[i], got[i+1])
		if err != nil {
			return nil, time.Time{}, err
		}
		due = append(due, d)
	}
	return due, next, nil
}

// parseDelivery reads an entry and its state, "" if it was never tried.
func parseDelivery(state, entry string) (ledger.Delivery, error) {
	if len(entry) < kept15+ledger.LineLength {
		return ledger.Delivery{}, ledger.Corrupt("an entry of the outbox cannot be decoded")
	}
	s, err := parseState(state, entry)
	if err != nil {
		return ledger.Delivery{}, err
	}
	e, err := ledger.DecodeEvent([]byte(entry[kept15+ledger.LineLength:]))
	if err != nil {
		return ledger.Delivery{}, err
	}
	return s.Delivery(e), nil
}

// kept15 is the length of the time at the beginning of an entry.
const kept15 = 15

func parseState(text, entry string) (s ledger.Progress, err error) {
	if text == "" {
		text = entry[:kept15] + " " + entry[:kept15] + " 0 "
	}
	f := strings.SplitN(text, " ", 4)
	if len(f) != 4 || !ledger.Printable(f[3], ledger.MaxReason) {
		return s, ledger.Corrupt("a state in the outbox cannot be decoded")
	}
	var errs [3]error
	s.Next, errs[0] = strconv.ParseInt(f[0], 10, 64)
	s.First, errs[1] = strconv.ParseInt(f[1], 10, 64)
	s.Attempts, errs[2] = strconv.Atoi(f[2])
	if s.Reason = f[3]; errors.Join(errs[:]...) != nil || min(s.Next, s.First, int64(s.Attempts)) < 0 {
		return s, ledger.Corrupt("a state in the outbox cannot be decoded")
	}
	return s, nil
}

// Sent implements Outbox.
func (l *Ledger) Sent(ctx context.Context, target, id string) error {
	return l.handle(ctx, target, "sent", id)
}

// Postpone implements Outbox.
func (l *Ledger) Postpone(ctx context.Context, target, id string, next time.Time, reason string) error {
	return l.handle(ctx, target, "later", id, ledger.Millis(next), ledger.PlainReason(reason))
}

// Bury implements Outbox.
func (l *Ledger) Bury(ctx context.Context, target, id, reason string) error {
	return l.handle(ctx, target, "bury", id, ledger.PlainReason(reason))
}

// handle carries out one step on a waiting event.
func (l *Ledger) handle(ctx context.Context, target, step, id string, args ...any) error {
	if err := l.beginTarget(ctx, target); err != nil {
		return err
	}
	defer l.work.Done()
	if !ledger.ValidID(id) {
		return nil
	}
	b := newBatch()
	b.step(step, b.use(l.queueKeys(target)...), append([]any{id}, args...)...)
	_, _, err := l.write(ctx, b)
	return err
}
