package ledgertest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Verified runs Verify to the end.
func Verified(t testing.TB, l ledger.Ledger) (problems []ledger.Problem, checked int) {
	t.Helper()
	Indexed(t, l)
	seen := map[string]bool{}
	for after := ""; ; {
		v, err := l.Verify(t.Context(), after)
		if err != nil {
			t.Fatalf("Verify(%q): %v", after, err)
		}
		problems, checked = append(problems, v.Problems...), checked+v.Checked
		if v.Next == "" {
			return problems, checked
		}
		if seen[v.Next] {
			t.Fatalf("Verify gives the cursor %q twice", v.Next)
		}
		seen[v.Next], after = true, v.Next
	}
}

func verifySound(t *testing.T, s *subject) {
	if all, n := Verified(t, s.Ledger); len(all) != 0 || n != 0 {
		t.Errorf("an empty ledger: %d checked, %+v", n, all)
	}
	for i := range 300 {
		s.named(t, fmt.Sprint("o", i), fmt.Sprint("name ", i%7), i)
	}
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o0", UnionID: "u", At: at(2)})  // merged
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o0", UnionID: "u2", At: at(3)}) // moved
	before := s.all(t)
	all, n := Verified(t, s.Ledger)
	if len(all) != 0 || n < 4*300 {
		t.Errorf("a sound ledger: %d checked, %+v", n, all)
	}
	if !reflect.DeepEqual(s.all(t), before) {
		t.Error("Verify changed persons")
	}
	for _, bad := range []string{"x", "9", "person", "openid.", "openid.x", strings.Repeat("A", 80), "\x00"} {
		_, err := s.Ledger.Verify(t.Context(), bad)
		wantErr(t, fmt.Sprintf("Verify(%q)", bad), err, ledger.ErrInvalid)
	}
}
