package wechat

import (
	"strings"
	"testing"
	"time"
)

func TestLoanIsDue(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cases := []struct{ life, ahead time.Duration }{
		{2 * time.Hour, 12 * time.Minute},
		{30 * time.Minute, 3 * time.Minute},
		{10 * time.Minute, time.Minute},
		{301 * time.Second, time.Minute},
		{300 * time.Second, time.Minute},
		{2 * time.Minute, time.Minute},
		{time.Minute, 30 * time.Second},
		{2 * time.Second, time.Second},
	}
	for _, tc := range cases {
		l := accountToken{value: testAccess, fetched: now, expires: now.Add(tc.life)}
		due := l.expires.Add(-tc.ahead)
		if l.due(due.Add(-1)) || !l.due(due) || !l.good(l.expires.Add(-1)) || l.good(l.expires) || l.due(now) {
			t.Errorf("life of %v: due %v before its end?", tc.life, tc.ahead)
		}
	}
	if (accountToken{}).good(now) || (accountToken{expires: now.Add(time.Hour)}).good(now) {
		t.Error("nothing is of use")
	}
}

func TestForcedLoans(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := accountToken{value: testAccess}
	if !l.mayForce(now) {
		t.Error("the first time")
	}
	for _, wait := range []time.Duration{30 * time.Second, 2 * time.Minute, 8 * time.Minute, 32 * time.Minute, 128 * time.Minute, 128 * time.Minute} {
		l.tried(now)
		if l.mayForce(now.Add(wait-1)) || !l.mayForce(now.Add(wait)) {
			t.Errorf("not %v after the last: %+v", wait, l)
		}
		now = now.Add(wait)
	}
	l.tried(now.Add(24 * time.Hour))
	if l.forces != 1 {
		t.Errorf("a day later: %d", l.forces)
	}
	l.stuck = true
	if l.mayForce(now.Add(1000 * time.Hour)) {
		t.Error("twice for the same")
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1700000000000)
	whole := accountToken{value: testAccess, fetched: now.Add(-time.Hour), expires: now.Add(time.Hour), forced: now.Add(-time.Minute), forces: 3, stuck: true}
	for _, l := range []accountToken{whole, {value: testAccess, fetched: now, expires: now.Add(time.Second)}, {value: NewSecret(strings.Repeat("<", 600)), fetched: now, expires: now.Add(time.Hour)}} {
		text := l.record("wx1/token")
		if got, ok := parseAccountToken(text, "wx1/token", now); !ok || got != l || len(text.Reveal()) > maxRecord {
			t.Errorf("%+v came back as %+v", l, got)
		}
		if got, ok := parseAccountToken(text, "wx2/token", now); ok || got != (accountToken{}) {
			t.Error("another account's record was taken")
		}
		if text.String() != "REDACTED" {
			t.Error("a record prints")
		}
	}
	from := func(change func(*accountToken)) Secret {
		l := whole
		change(&l)
		return l.record("k")
	}
	bad := map[string]Secret{
		"nothing":     {},
		"no JSON":     NewSecret("token"),
		"null":        NewSecret("null"),
		"no value":    from(func(l *accountToken) { l.value = Secret{} }),
		"line breaks": from(func(l *accountToken) { l.value = NewSecret("a\r\nb") }),
		"no life":     from(func(l *accountToken) { l.expires = l.fetched }),
		"for ever":    from(func(l *accountToken) { l.expires = now.Add(31 * 24 * time.Hour) }),
		"tomorrow":    from(func(l *accountToken) { l.fetched, l.expires = now.Add(24*time.Hour), now.Add(25*time.Hour) }),
		"forced then": from(func(l *accountToken) { l.forced = now.Add(time.Hour) }),
		"endless":     NewSecret(whole.record("k").Reveal() + strings.Repeat(" ", maxRecord)),
	}
	for name, text := range bad {
		if got, ok := parseAccountToken(text, "k", now); ok || got != (accountToken{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzRecord(f *testing.F) {
	now := time.UnixMilli(1700000000000)
	f.Add(accountToken{value: testAccess, fetched: now, expires: now.Add(time.Hour), forced: now, forces: 2}.record("k").Reveal())
	f.Add(`{"key":"k","value":"v","fetched":-9223372036854775808,"expires":9223372036854775807,"forces":-5,"forced":1}`)
	f.Add(`{"key":"k","value":"v","fetched":1e99}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, ok := parseAccountToken(NewSecret(text), "k", now)
		if !ok {
			if l != (accountToken{}) {
				t.Errorf("%+v", l)
			}
			return
		}
		if !sendable(l.value.Reveal(), maxToken) || l.expires.Sub(now) > maxExpiresIn+maxSkew || l.mayForce(now) && l.stuck || l.due(l.fetched) {
			t.Errorf("%q: %+v", text, l)
		}
		if again, ok := parseAccountToken(l.record("k"), "k", now); !ok || again != l && l.forces <= 5 {
			t.Errorf("%+v came back as %+v", l, again)
		}
	})
}
