package gate

import (
	"testing"
)

// everyFacts walks all combinations that a request can have: a navigation is
// never a write.
func everyFacts(visit func(Facts)) {
	outsides := []Outside{OutsideQR, OutsideLogin, OutsideScan, OutsidePass, OutsideRefuse, "", "PASS"}
	for access := Protected; access <= Public; access++ {
		for standing := Nobody; standing <= Satisfied; standing++ {
			for _, outside := range outsides {
				for bits := range 1 << 5 {
					on := func(bit int) bool { return bits&(1<<bit) != 0 }
					f := Facts{
						Access: access, Standing: standing, Outside: outside,
						Navigation: on(0), Write: on(1), InWeChat: on(2), Adrift: on(3), Excused: on(4),
					}
					if !f.Navigation || !f.Write {
						visit(f)
					}
				}
			}
		}
	}
}

// invariants hold for every decision, each against an attack or a complaint.
var invariants = []struct {
	name string
	hold func(f Facts, v Verdict) bool
}{
	{"nobody passes a protected path, but by outside_wechat pass", func(f Facts, v Verdict) bool {
		return v != Pass || f.Access != Protected || f.Standing != Nobody || f.Outside == OutsidePass && !f.InWeChat
	}},
	{"who lacks consent passes a protected path by outside_wechat pass only", func(f Facts, v Verdict) bool {
		return v != Pass || f.Access != Protected || f.Standing != Lacking || f.Outside == OutsidePass && !f.InWeChat
	}},
	{"a snapshot guest writes nowhere but on public paths", func(f Facts, v Verdict) bool {
		return (v == RefuseWrite) == (f.Standing == Guest && f.Write && f.Access != Public)
	}},
	{"only a navigation is redirected or shown a page", func(f Facts, v Verdict) bool {
		return f.Navigation || v == Pass || v == Refuse || v == RefuseWrite
	}},
	{"public paths and satisfied visitors always pass", func(f Facts, v Verdict) bool {
		return v == Pass || f.Access != Public && f.Standing != Satisfied
	}},
	{"optional paths turn nobody away", func(f Facts, v Verdict) bool {
		return f.Access != Optional || v == Pass || v == Begin || v == RefuseWrite
	}},
	{"a dance begins for nobodies only", func(f Facts, v Verdict) bool {
		return v != Begin || f.Standing == Nobody
	}},
	{"consent is asked of the signed-in, on protected paths only", func(f Facts, v Verdict) bool {
		return v != AskConsent || f.Standing == Lacking && f.Access == Protected
	}},
	{"a browser that came back in vain is not sent round again", func(f Facts, v Verdict) bool {
		return !f.Adrift || v != Begin && (v != AskConsent || f.Standing == Lacking) // the question is a page then
	}},
	{"an optional path does not ask again at once", func(f Facts, v Verdict) bool {
		return v != Begin || f.Access != Optional || !f.Excused
	}},
	{"an unknown value of outside_wechat opens nothing", func(f Facts, v Verdict) bool {
		known := f.Outside == OutsideQR || f.Outside == OutsideLogin || f.Outside == OutsidePass || f.Outside == OutsideRefuse || f.Outside == OutsideScan
		qr := f
		qr.Outside = OutsideQR
		return known || v == Decide(qr)
	}},
	{"outside_wechat has no say about visitors in WeChat", func(f Facts, v Verdict) bool {
		qr := f
		qr.Outside = OutsideQR
		return !f.InWeChat || v == Decide(qr)
	}},
	{"a code to scan is for browsers outside that lack something, where the site wants it", func(f Facts, v Verdict) bool {
		return v != ShowScan || f.Outside == OutsideScan && !f.InWeChat && f.Access == Protected && f.Standing != Guest
	}},
	// attack: GHSA-5hvv-m4w4-gf6v, a User-Agent that grants access.
	{"to claim WeChat opens nothing", func(f Facts, v Verdict) bool {
		honest := f
		honest.InWeChat = false
		return !f.InWeChat || v != Pass || Decide(honest) == Pass
	}},
}

func TestDecideInvariants(t *testing.T) {
	t.Parallel()
	walked := 0
	everyFacts(func(f Facts) {
		walked++
		v := Decide(f)
		if v > ShowScan {
			t.Fatalf("%+v: %d is no verdict", f, v)
		}
		for _, invariant := range invariants {
			if !invariant.hold(f, v) {
				t.Errorf("%s: broken by %+v: verdict %d", invariant.name, f, v)
			}
		}
	})
	if walked != 3*4*7*24 {
		t.Errorf("walked %d combinations", walked)
	}
}

// The decision table as an operator would read it. Where a row names no client,
// the visitor is in WeChat.
func TestDecideGolden(t *testing.T) {
	t.Parallel()
	page, write, script := Facts{Navigation: true}, Facts{Write: true}, Facts{}
	for _, row := range []struct {
		name     string
		facts    Facts
		access   Access
		standing Standing
		outside  Outside // "" is in WeChat
		want     Verdict
	}{
		{"first visit", page, Protected, Nobody, "", Begin},
		{"first visit, script", script, Protected, Nobody, "", Refuse},
		{"first visit, form", write, Protected, Nobody, "", Refuse},
		{"signed in, page", page, Protected, Satisfied, "", Pass},
		{"signed in, script", script, Protected, Satisfied, "", Pass},
		{"signed in, form", write, Protected, Satisfied, "", Pass},
		{"step-up, page", page, Protected, Lacking, "", AskConsent},
		{"step-up, script", script, Protected, Lacking, "", Refuse},
		{"step-up, form", write, Protected, Lacking, "", Refuse},
		{"guest reads", page, Protected, Guest, "", Pass},
		{"guest's script reads", script, Protected, Guest, "", Pass},
		{"guest writes", write, Protected, Guest, "", RefuseWrite},
		{"guest writes, optional path", write, Optional, Guest, "", RefuseWrite},
		{"guest writes, public path", write, Public, Guest, "", Pass},
		{"public page", page, Public, Nobody, "", Pass},
		{"public form", write, Public, Nobody, "", Pass},
		{"optional page", page, Optional, Nobody, "", Begin},
		{"optional, script", script, Optional, Nobody, "", Pass},
		{"optional, form", write, Optional, Nobody, "", Pass},
		{"optional, known visitor without consent", page, Optional, Lacking, "", Pass},
		{"optional page, outside", page, Optional, Nobody, OutsideQR, Pass},
		{"optional page, outside refused", page, Optional, Nobody, OutsideRefuse, Pass},
		{"optional page, outside login", page, Optional, Nobody, OutsideLogin, Pass},
		{"outside, qr", page, Protected, Nobody, OutsideQR, ExplainOutside},
		{"outside, qr, script", script, Protected, Nobody, OutsideQR, Refuse},
		{"outside, login", page, Protected, Nobody, OutsideLogin, Begin},
		{"outside, login, script", script, Protected, Nobody, OutsideLogin, Refuse},
		{"outside, login, step-up", page, Protected, Lacking, OutsideLogin, AskConsent},
		{"outside, scan", page, Protected, Nobody, OutsideScan, ShowScan},
		{"outside, scan, script", script, Protected, Nobody, OutsideScan, Refuse},
		{"outside, scan, form", write, Protected, Nobody, OutsideScan, Refuse},
		{"outside, scan, step-up", page, Protected, Lacking, OutsideScan, ShowScan},
		{"outside, scan, signed in", page, Protected, Satisfied, OutsideScan, Pass},
		{"outside, scan, optional", page, Optional, Nobody, OutsideScan, Pass},
		{"outside, scan, cookies lost", Facts{Navigation: true, Adrift: true}, Protected, Nobody, OutsideScan, ExplainCookies},
		{"outside, pass", page, Protected, Nobody, OutsidePass, Pass},
		{"outside, pass, form", write, Protected, Nobody, OutsidePass, Pass},
		{"outside, refuse", page, Protected, Nobody, OutsideRefuse, Refuse},
		{"outside, signed in", page, Protected, Satisfied, OutsideRefuse, Pass},
		{"cookies lost", Facts{Navigation: true, Adrift: true}, Protected, Nobody, "", ExplainCookies},
		{"the cookie came, consent did not", Facts{Navigation: true, InWeChat: true, Adrift: true}, Protected, Lacking, "", AskConsent},
		{"cookies lost, script", Facts{Adrift: true}, Protected, Nobody, "", Refuse},
		{"cookies lost, optional", Facts{Navigation: true, Adrift: true}, Optional, Nobody, "", Pass},
		{"cookies lost, outside login", Facts{Navigation: true, Adrift: true}, Protected, Nobody, OutsideLogin, ExplainCookies},
		{"passed an optional path just now", Facts{Navigation: true, Excused: true}, Optional, Nobody, "", Pass},
		{"passed an optional path, now a protected one", Facts{Navigation: true, Excused: true}, Protected, Nobody, "", Begin},
	} {
		f := row.facts
		f.Access, f.Standing, f.Outside, f.InWeChat = row.access, row.standing, row.outside, row.outside == ""
		if got := Decide(f); got != row.want {
			t.Errorf("%s: verdict %d, want %d", row.name, got, row.want)
		}
	}
}
