package gate

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// everyFacts walks all combinations that a request can have: a navigation is
// never a write, and a form always is.
func everyFacts(visit func(Facts)) {
	outsides := []site.Outside{site.OutsideQR, site.OutsideLogin, site.OutsideScan, site.OutsidePass, site.OutsideRefuse, "", "PASS"}
	for access := site.Protected; access <= site.Public; access++ {
		for standing := NoSession; standing <= Satisfied; standing++ {
			for _, outside := range outsides {
				for bits := range 1 << 6 {
					on := func(bit int) bool { return bits&(1<<bit) != 0 }
					f := Facts{
						Access: access, Standing: standing, Outside: outside,
						Navigation: on(0), Write: on(1), InWeChat: on(2), LosesCookies: on(3), Excused: on(4), Form: on(5),
					}
					if (!f.Navigation || !f.Write) && (!f.Form || f.Write) {
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
		return v != Pass || f.Access != site.Protected || f.Standing != NoSession || f.Outside == site.OutsidePass && !f.InWeChat
	}},
	{"who lacks consent passes a protected path by outside_wechat pass only", func(f Facts, v Verdict) bool {
		return v != Pass || f.Access != site.Protected || f.Standing != Lacking || f.Outside == site.OutsidePass && !f.InWeChat
	}},
	{"a snapshot guest writes nowhere but on public paths", func(f Facts, v Verdict) bool {
		return (v == RefuseWrite) == (f.Standing == Guest && f.Write && f.Access != site.Public)
	}},
	{"only a navigation is redirected or shown a page", func(f Facts, v Verdict) bool {
		return f.Navigation || v == Pass || v == Refuse || v == RefuseWrite || v == KeepForm && f.Form
	}},
	{"a form is kept exactly where its page would lead to a sign-in or a question, and else is like any other write", func(f Facts, v Verdict) bool {
		page, write := f, f
		page.Navigation, page.Write, page.Form, write.Form = true, false, false, false
		switch asked := Decide(page); {
		case !f.Form:
			return v != KeepForm
		case f.Access == site.Protected && (asked == Begin || asked == AskConsent || asked == ShowScan || asked == ExplainCookies):
			return v == KeepForm
		default:
			return v == Decide(write)
		}
	}},
	{"public paths and satisfied visitors always pass", func(f Facts, v Verdict) bool {
		return v == Pass || f.Access != site.Public && f.Standing != Satisfied
	}},
	{"optional paths turn nobody away", func(f Facts, v Verdict) bool {
		return f.Access != site.Optional || v == Pass || v == Begin || v == RefuseWrite
	}},
	{"a dance begins for nobodies only", func(f Facts, v Verdict) bool {
		return v != Begin || f.Standing == NoSession
	}},
	{"consent is asked of the signed-in, on protected paths only", func(f Facts, v Verdict) bool {
		return v != AskConsent || f.Standing == Lacking && f.Access == site.Protected
	}},
	{"a browser that came back in vain is not sent round again", func(f Facts, v Verdict) bool {
		return !f.LosesCookies || v != Begin && (v != AskConsent || f.Standing == Lacking) // the question is a page then
	}},
	{"an optional path does not ask again at once", func(f Facts, v Verdict) bool {
		return v != Begin || f.Access != site.Optional || !f.Excused
	}},
	{"an unknown value of outside_wechat opens nothing", func(f Facts, v Verdict) bool {
		known := f.Outside == site.OutsideQR || f.Outside == site.OutsideLogin || f.Outside == site.OutsidePass || f.Outside == site.OutsideRefuse || f.Outside == site.OutsideScan
		qr := f
		qr.Outside = site.OutsideQR
		return known || v == Decide(qr)
	}},
	{"outside_wechat has no say about visitors in WeChat", func(f Facts, v Verdict) bool {
		qr := f
		qr.Outside = site.OutsideQR
		return !f.InWeChat || v == Decide(qr)
	}},
	{"a code to scan is for browsers outside that lack something, where the site wants it", func(f Facts, v Verdict) bool {
		return v != ShowScan || f.Outside == site.OutsideScan && !f.InWeChat && f.Access == site.Protected && f.Standing != Guest
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
		if v > KeepForm {
			t.Fatalf("%+v: %d is no verdict", f, v)
		}
		for _, invariant := range invariants {
			if !invariant.hold(f, v) {
				t.Errorf("%s: broken by %+v: verdict %d", invariant.name, f, v)
			}
		}
	})
	if walked != 3*4*7*32 {
		t.Errorf("walked %d combinations", walked)
	}
}

// The decision table as an operator would read it. Where a row names no client,
// the visitor is in WeChat.
func TestDecideGolden(t *testing.T) {
	t.Parallel()
	page, write, script := Facts{Navigation: true}, Facts{Write: true}, Facts{}
	form := Facts{Write: true, Form: true}
	for _, row := range []struct {
		name     string
		facts    Facts
		access   site.Access
		standing Standing
		outside  site.Outside // "" is in WeChat
		want     Verdict
	}{
		{"first visit", page, site.Protected, NoSession, "", Begin},
		{"first visit, script", script, site.Protected, NoSession, "", Refuse},
		{"first visit, form", write, site.Protected, NoSession, "", Refuse},
		{"first visit, form of this site", form, site.Protected, NoSession, "", KeepForm},
		{"step-up, form of this site", form, site.Protected, Lacking, "", KeepForm},
		{"signed in, form of this site", form, site.Protected, Satisfied, "", Pass},
		{"guest, form of this site", form, site.Protected, Guest, "", RefuseWrite},
		{"optional, form of this site", form, site.Optional, NoSession, "", Pass},
		{"outside, qr, form of this site", form, site.Protected, NoSession, site.OutsideQR, Refuse},
		{"outside, refuse, form of this site", form, site.Protected, NoSession, site.OutsideRefuse, Refuse},
		{"outside, pass, form of this site", form, site.Protected, NoSession, site.OutsidePass, Pass},
		{"outside, scan, form of this site", form, site.Protected, NoSession, site.OutsideScan, KeepForm},
		{"outside, login, form of this site", form, site.Protected, NoSession, site.OutsideLogin, KeepForm},
		{"signed in, page", page, site.Protected, Satisfied, "", Pass},
		{"signed in, script", script, site.Protected, Satisfied, "", Pass},
		{"signed in, form", write, site.Protected, Satisfied, "", Pass},
		{"step-up, page", page, site.Protected, Lacking, "", AskConsent},
		{"step-up, script", script, site.Protected, Lacking, "", Refuse},
		{"step-up, form", write, site.Protected, Lacking, "", Refuse},
		{"guest reads", page, site.Protected, Guest, "", Pass},
		{"guest's script reads", script, site.Protected, Guest, "", Pass},
		{"guest writes", write, site.Protected, Guest, "", RefuseWrite},
		{"guest writes, optional path", write, site.Optional, Guest, "", RefuseWrite},
		{"guest writes, public path", write, site.Public, Guest, "", Pass},
		{"public page", page, site.Public, NoSession, "", Pass},
		{"public form", write, site.Public, NoSession, "", Pass},
		{"optional page", page, site.Optional, NoSession, "", Begin},
		{"optional, script", script, site.Optional, NoSession, "", Pass},
		{"optional, form", write, site.Optional, NoSession, "", Pass},
		{"optional, known visitor without consent", page, site.Optional, Lacking, "", Pass},
		{"optional page, outside", page, site.Optional, NoSession, site.OutsideQR, Pass},
		{"optional page, outside refused", page, site.Optional, NoSession, site.OutsideRefuse, Pass},
		{"optional page, outside login", page, site.Optional, NoSession, site.OutsideLogin, Pass},
		{"outside, qr", page, site.Protected, NoSession, site.OutsideQR, ExplainOutside},
		{"outside, qr, script", script, site.Protected, NoSession, site.OutsideQR, Refuse},
		{"outside, login", page, site.Protected, NoSession, site.OutsideLogin, Begin},
		{"outside, login, script", script, site.Protected, NoSession, site.OutsideLogin, Refuse},
		{"outside, login, step-up", page, site.Protected, Lacking, site.OutsideLogin, AskConsent},
		{"outside, scan", page, site.Protected, NoSession, site.OutsideScan, ShowScan},
		{"outside, scan, script", script, site.Protected, NoSession, site.OutsideScan, Refuse},
		{"outside, scan, form", write, site.Protected, NoSession, site.OutsideScan, Refuse},
		{"outside, scan, step-up", page, site.Protected, Lacking, site.OutsideScan, ShowScan},
		{"outside, scan, signed in", page, site.Protected, Satisfied, site.OutsideScan, Pass},
		{"outside, scan, optional", page, site.Optional, NoSession, site.OutsideScan, Pass},
		{"outside, scan, cookies lost", Facts{Navigation: true, LosesCookies: true}, site.Protected, NoSession, site.OutsideScan, ExplainCookies},
		{"outside, pass", page, site.Protected, NoSession, site.OutsidePass, Pass},
		{"outside, pass, form", write, site.Protected, NoSession, site.OutsidePass, Pass},
		{"outside, refuse", page, site.Protected, NoSession, site.OutsideRefuse, Refuse},
		{"outside, signed in", page, site.Protected, Satisfied, site.OutsideRefuse, Pass},
		{"cookies lost", Facts{Navigation: true, LosesCookies: true}, site.Protected, NoSession, "", ExplainCookies},
		{"the cookie came, consent did not", Facts{Navigation: true, InWeChat: true, LosesCookies: true}, site.Protected, Lacking, "", AskConsent},
		{"cookies lost, script", Facts{LosesCookies: true}, site.Protected, NoSession, "", Refuse},
		{"cookies lost, optional", Facts{Navigation: true, LosesCookies: true}, site.Optional, NoSession, "", Pass},
		{"cookies lost, outside login", Facts{Navigation: true, LosesCookies: true}, site.Protected, NoSession, site.OutsideLogin, ExplainCookies},
		{"passed an optional path just now", Facts{Navigation: true, Excused: true}, site.Optional, NoSession, "", Pass},
		{"passed an optional path, now a protected one", Facts{Navigation: true, Excused: true}, site.Protected, NoSession, "", Begin},
	} {
		f := row.facts
		f.Access, f.Standing, f.Outside, f.InWeChat = row.access, row.standing, row.outside, row.outside == ""
		if got := Decide(f); got != row.want {
			t.Errorf("%s: verdict %d, want %d", row.name, got, row.want)
		}
	}
}
