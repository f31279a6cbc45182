package session_test

import (
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

func BenchmarkSealedLoad(b *testing.B) {
	store := session.Sealed{Keys: newRing(b, secrets...), Tombstones: new(graves)}
	value, err := store.Save(b.Context(), newSession())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ReportMetric(float64(len(value)), "bytes/value")
	for b.Loop() {
		if _, err := store.Load(b.Context(), value, shop); err != nil {
			b.Fatal(err)
		}
	}
}

// A forged value must not cost more than a good one, however many keys there
// are.
func BenchmarkSealedLoadForged(b *testing.B) {
	store := session.Sealed{Keys: newRing(b, secrets...)}
	value, err := store.Save(b.Context(), newSession())
	if err != nil {
		b.Fatal(err)
	}
	value = value[:9] + "A" + value[10:]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Load(b.Context(), value, shop); err == nil {
			b.Fatal("it opened")
		}
	}
}

func BenchmarkSealedSave(b *testing.B) {
	store, s := session.Sealed{Keys: newRing(b, secrets...)}, newSession()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Save(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJarStrip(b *testing.B) {
	const line = "theme=dark; __Host-wechat=0123456789abcdef0123456789abcdef; JSESSIONID=0123456789ABCDEF"
	r := sent(line)
	b.ReportAllocs()
	for b.Loop() {
		r.Header["Cookie"] = []string{line}
		session.SessionCookie{}.Strip(r)
	}
}

func BenchmarkMAC(b *testing.B) {
	ring := newRing(b, secrets...)
	b.ReportAllocs()
	for b.Loop() {
		ring.MAC(session.PurposeState, "0123456789abcdef")
	}
}
