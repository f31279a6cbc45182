package test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// simulatorTabs are the tabs of the simulator's page, by the ids of their
// sections.
var simulatorTabs = []string{"people", "signin", "api", "push", "calls"}

// The simulator's page in a real browser, without a script of its own: one tab
// at a time, each short enough for a phone, with texts that can be read.
func TestBrowserSimulator(t *testing.T) {
	simulator := wechattest.New(wechattest.Config{
		Accounts: wechattest.DefaultAccounts(), Persons: wechattest.DefaultPersons(), AnyUserAgent: true,
	})
	t.Cleanup(simulator.Close)
	server := httptest.NewServer(simulator)
	t.Cleanup(server.Close)
	if err := simulator.SetQuirks(wechattest.Quirks{Busy: wechattest.Knob{On: true, Next: 3}, Snapshot: true}); err != nil {
		t.Fatal(err)
	}
	b := startChromium(t, map[string]string{"window-size": "1280,900"})
	for _, screen := range []struct {
		name          string
		width, height int64
		highest       int // of a tab, in screens
	}{
		{"phone", 390, 844, 3},
		{"desktop", 1280, 900, 2},
	} {
		b.do(chromedp.EmulateViewport(screen.width, screen.height))
		b.open(server.URL + "/")
		b.sees("微信模拟器")
		b.showsTab("people")
		for _, tab := range simulatorTabs {
			b.tap(`nav a[href="#` + tab + `"]`)
			b.showsTab(tab)
			b.is(tab+" begins at the top", "scrollY === 0")
			name := screen.name + "-" + tab
			b.readable(name)
			b.picture(name)
			var page struct {
				High, Scripts int
				Wide          bool
			}
			if err := b.js(`({high: document.documentElement.scrollHeight, scripts: document.scripts.length, wide: document.documentElement.scrollWidth > innerWidth})`, &page); err != nil {
				t.Fatal(err)
			}
			if page.High > screen.highest*int(screen.height) || page.Scripts != 0 || page.Wide {
				t.Errorf("%s: %d pixels high, %d scripts, wider than the screen: %t", name, page.High, page.Scripts, page.Wide)
			}
		}
	}

	// A button of a row leads back to the row, and a chip to the row it is
	// about.
	b.tap(`nav a[href="#api"]`)
	b.tap(`#quirk-HTMLBody button`)
	b.showsTab("api")
	b.is("the row is on, and in sight", inSight("#quirk-HTMLBody.on"))
	b.tap(`.chips a[href="#quirk-Snapshot"]`)
	b.showsTab("signin")
	b.is("the row is in sight", inSight("#quirk-Snapshot.on"))
	b.tap(`form[action="/_sim/reset"] button`)
	b.sees("没有故障")
	b.showsTab("people")
	b.readable("nothing is on")
	if q := simulator.Quirks(); q != (wechattest.Quirks{}) {
		t.Errorf("after 全部关闭: %+v", q)
	}
}

// showsTab waits until one tab is shown, and named in bold above.
func (b *browser) showsTab(id string) {
	b.t.Helper()
	b.is("shows the tab "+id, fmt.Sprintf(`
		[...document.querySelectorAll('.tab')].filter(e => e.checkVisibility()).map(e => e.id).join() === %[1]q &&
		[...document.querySelectorAll('nav a')].filter(e => getComputedStyle(e).fontWeight >= 600).map(e => e.hash).join() === '#' + %[1]q`, id))
}

// inSight is a condition: the screen shows an element, whole.
func inSight(selector string) string {
	return fmt.Sprintf(`(e => { if (!e) return false; const r = e.getBoundingClientRect(); return r.height > 0 && r.top >= 0 && r.bottom <= innerHeight; })(document.querySelector(%q))`, selector)
}
