package redisledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// searchMargin is how far the clocks of the gateways may differ while one of
// them erases a person and another buries an event of that person.
const searchMargin = 10 * time.Second

// supersede adds the steps that remove the older events of an erased person
// from all queues. notice is the event of the erasure.
func (l *Ledger) supersede(ctx context.Context, b *batch, p *ledger.Person, notice *ledger.Event) error {
	names, err := l.queueNames(ctx)
	if err != nil {
		return err
	}
	event, err := ledger.EncodeEvent(notice)
	if err != nil {
		return err
	}
	lines := strings.Join(p.Lines(), ",")
	for _, name := range names {
		begun := time.Now().Add(-searchMargin).UnixMilli()
		dead, err := l.deadOf(ctx, name, lines)
		if err != nil {
			return err
		}
		how := l.targets.Supersede(name, notice)
		first := b.use(l.queueKeys(name)...)
		b.step("expunge", first, lines, strings.Join(dead, ","), begun, stays(&how))
		if how.Leave {
			b.step("leave", first, notice.ID, fmt.Sprintf("%015d%s%s", time.Now().UnixMilli(), ledger.PersonLine(p.ID), event))
		}
	}
	return nil
}

// stays returns the kinds of events that stay, each followed by a blank, then
// behind a colon those that stay unless they are about one of the accounts
// behind the next colon: app id and openid, each followed by a blank.
func stays(how *ledger.Supersession) string {
	var b strings.Builder
	for i, list := range [][]ledger.EventKind{how.Keep, how.KeepUnnamed} {
		if i > 0 {
			b.WriteByte(':')
		}
		for _, kind := range list {
			b.WriteString(string(kind) + " ")
		}
	}
	b.WriteByte(':')
	for _, a := range how.Accounts { // no identifier has a blank
		b.WriteString(a.AppID + " " + a.OpenID + " ")
	}
	return b.String()
}

// deadOf returns the ids of the dead letters of these lines.
func (s *server) deadOf(ctx context.Context, target, lines string) (ids []string, err error) {
	for cursor := "0"; ; {
		once, cancel := s.once(ctx)
		got, err := deadOfScript.Run(once, s.Client, s.queueKeys(target), cursor, lines).StringSlice()
		cancel()
		s.answer(err)
		if err != nil {
			return nil, s.failed("looking for dead letters", err)
		}
		if len(got) == 0 {
			return nil, ledger.Corrupt("no answer of the outbox")
		}
		ids = append(ids, got[1:]...)
		if cursor = got[0]; cursor == "0" {
			return ids, nil
		}
	}
}

// Expire implements Outbox.
func (l *Ledger) Expire(ctx context.Context, target string) error {
	if err := l.beginTarget(ctx, target); err != nil {
		return err
	}
	defer l.work.Done()
	for {
		b := newBatch()
		b.step("expire", b.use(l.queueKeys(target)...))
		_, n, err := l.write(ctx, b)
		if err != nil || n == 0 {
			return err
		}
	}
}
