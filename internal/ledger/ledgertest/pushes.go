package ledgertest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// pushes is about how withdrawals arrive: repeated, at once, about unknown
// persons, invalid.
var pushes = []contract{
	{"withdraw: a push that comes twice", withdrawTwice},
	{"withdraw: unknown persons, and invalid withdrawals", withdrawNobody},
	{"withdraw: many at once, each push counts once", withdrawAtOnce},
}

func withdrawTwice(t *testing.T, s *subject) {
	s.listen()
	p := rich(t, s)
	s.drain(t, crm)
	w := ledger.Withdrawal{Key: "push 1", Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", At: at(9), Phone: true}
	if _, done := s.withdraw(t, w); !done {
		t.Error("not done")
	}
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(20), Phone: "+86 3"})
	s.Reopen(t)
	s.listen()
	got, done := s.withdraw(t, w)
	if a := accountOf(t, s.find(t, p.ID), "wxA"); done || got.ID != p.ID || a.Phone != "+86 3" {
		t.Errorf("the second time: %v, %+v", done, a)
	}
	if got := s.drain(t, crm); len(got) != 1 {
		t.Errorf("told %+v", got)
	}
	last := []ledger.Withdrawal{
		{Key: "push 2", Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", Account: true},
		{Key: "push 3", Kind: ledger.Cancelled, AppID: "wxB", OpenID: "oB", Account: true},
	}
	for _, want := range []bool{true, false} { // no person is left the second time
		for _, w := range last {
			if _, done := s.withdraw(t, w); done != want {
				t.Errorf("%s: %v, want %v", w.Key, done, want)
			}
		}
	}
}

func withdrawNobody(t *testing.T, s *subject) {
	s.listen()
	w := ledger.Withdrawal{Key: "k", Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", Phone: true, End: true, Until: time.Now().Add(time.Hour)}
	for range 2 {
		_, done, err := s.Ledger.Withdraw(t.Context(), w)
		wantErr(t, "Withdraw", err, ledger.ErrNotFound)
		if done {
			t.Error("done")
		}
	}
	s.told(t)
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	if _, done := s.withdraw(t, w); !done { // the key was not kept
		t.Error("not done")
	}
	for name, edit := range map[string]func(w *ledger.Withdrawal){
		"no kind":     func(w *ledger.Withdrawal) { w.Kind = "" },
		"bad kind":    func(w *ledger.Withdrawal) { w.Kind = ledger.Erased },
		"no app id":   func(w *ledger.Withdrawal) { w.AppID = "" },
		"bad openid":  func(w *ledger.Withdrawal) { w.OpenID = "secret\n" },
		"bad reason":  func(w *ledger.Withdrawal) { w.Reason = "secret\n" },
		"long reason": func(w *ledger.Withdrawal) { w.Reason = strings.Repeat("r", 257) },
		"bad time":    func(w *ledger.Withdrawal) { w.At = t0.AddDate(-3000, 0, 0) },
	} {
		bad := w
		bad.Key = ""
		edit(&bad)
		_, done, err := s.Ledger.Withdraw(t.Context(), bad)
		wantErr(t, name, err, ledger.ErrInvalid)
		if done || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
}

// withdrawAtOnce: WeChat repeats a push while the first is being handled, and
// the person signs in meanwhile.
func withdrawAtOnce(t *testing.T, s *subject) {
	s.listen()
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	var wg sync.WaitGroup
	var times [5]atomic.Int64
	for i := range 100 {
		wg.Go(func() {
			w := ledger.Withdrawal{Key: fmt.Sprint("push ", i%5), Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", Consent: true}
			_, done, err := s.Ledger.Withdraw(t.Context(), w)
			if err != nil {
				t.Error(err)
			}
			if done {
				times[i%5].Add(1)
			}
			if i%10 != 0 {
				return
			}
			if _, err := s.Ledger.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(i), Consent: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range times {
		if n := times[i].Load(); n != 1 {
			t.Errorf("push %d was done %d times", i, n)
		}
	}
	if got := s.drain(t, crm); len(got) != 5 {
		t.Errorf("%d events", len(got))
	}
}
