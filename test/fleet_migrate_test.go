//go:build fleet

package test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// movers is how many visitors one gateway has signed in before it becomes two.
const movers = 20

// One gateway with a local store becomes two with Redis: who was signed in
// stays signed in, and gets a short cookie at the next visit.
func TestFleetFromLocalToRedis(t *testing.T) {
	f := newFleet(t)
	f.a, f.b = f.prepare("A"), f.prepare("B")
	folder := filepath.Join(f.a.folder, "ledger")
	f.a.start(fleetConfig{store: "local " + folder, auth: silentBase})
	people := make([]*mover, movers)
	for i := range people {
		people[i] = f.moverOnA()
	}
	late := f.moverOnA()
	exchanges := f.wechat.CountCalls("token")
	f.a.run.stop()

	server := redistest.Standalone(t, redistest.Options{})
	moved := moveLedger(t, filepath.Join(folder, "ledger.db"), redisledger.New(redisledger.Options{Client: server.Client(), Timeout: 5 * time.Second}))
	c := fleetConfig{store: f.redisStore(server, redistest.Options{}), auth: silentBase}
	f.a.start(c)
	f.b.start(c)

	upgraded, before := 0, 0
	for i, p := range people {
		before += len(p.sealed)
		g := f.gateways()[i%2]
		if err := f.upgrade(p, g, i%4 == 3); err != nil {
			t.Errorf("visitor %d on %s: %v", i, g.name, err)
			continue
		}
		upgraded++
	}
	t.Logf("%d persons moved; %d of %d visitors still signed in and given an id cookie, %d bytes each instead of %d; WeChat asked %d times more",
		moved, upgraded, movers, len(people[0].value), before/movers, f.wechat.CountCalls("token")-exchanges)
	if n := f.wechat.CountCalls("token"); n != exchanges || moved != movers+1 {
		t.Errorf("%d exchanges, %d before; %d persons moved", n, exchanges, moved)
	}
	f.endBothForms(people[0], people[0].value)  // signed out with the new cookie
	f.endBothForms(people[1], people[1].sealed) // with the old one, of a tab that kept it
	f.endBothForms(late, late.sealed)           // before any other visit
	for i, p := range people[2:] {
		for _, g := range f.gateways() {
			if a := f.with(p.value, g).script(shopSite + "/page"); a.told()["X-Wechat-User"] != p.user {
				t.Errorf("visitor %d, afterwards, on %s: %s", i+2, g.name, a.Status)
			}
		}
	}
}

// mover is a visitor who signed in under the local store.
type mover struct {
	user, openID  string
	sealed, value string // the cookie's value before and after
}

func (f *fleet) moverOnA() *mover {
	f.t.Helper()
	v := f.newcomer(f.a)
	a := v.signIn(shopSite + "/page")
	told := a.told()
	if told == nil || told["X-Wechat-Unionid"] == "" {
		f.t.Fatalf("no sign-in: %s %.200s", a.Status, a.body)
	}
	return &mover{user: told["X-Wechat-User"], openID: told["X-Wechat-Openid"], sealed: v.cookie(shopSite, "wechat")}
}

// moveLedger copies all persons.
func moveLedger(t *testing.T, file string, to *redisledger.Ledger) (persons int) {
	t.Helper()
	from, err := boltledger.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	err = from.Walk(t.Context(), func(p ledger.Person) error {
		persons++
		return to.Import(t.Context(), p)
	})
	for _, err := range []error{err, from.Close(), to.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return persons
}

// with is somebody else's browser that has this cookie.
func (f *fleet) with(cookie string, g *gatewayProcess) *visitor {
	f.t.Helper()
	v := f.visitor("ming", g)
	v.client.Jar = nil
	v.header.Set("Cookie", "wechat="+cookie)
	return v
}

// upgrade is a mover's first visit, or first two at the same moment to both
// gateways: they must get the same cookie.
func (f *fleet) upgrade(p *mover, g *gatewayProcess, twice bool) error {
	f.t.Helper()
	answers := [2]answer{}
	visitors := [2]*visitor{f.with(p.sealed, g), f.with(p.sealed, g)}
	if twice {
		visitors = [2]*visitor{f.with(p.sealed, f.a), f.with(p.sealed, f.b)}
	}
	var work sync.WaitGroup
	for i, v := range visitors {
		work.Go(func() { answers[i] = movedBy(v) })
	}
	work.Wait()
	for _, a := range answers {
		value, set := cookieOf(a.Response, "wechat")
		switch {
		case a.told()["X-Wechat-User"] != p.user || a.told()["X-Wechat-Openid"] != p.openID:
			return fmt.Errorf("%s, Location %.60q: %.200s", a.Status, a.Header.Get("Location"), a.body)
		case !set || value == "" || value == p.sealed || len(value) >= len(p.sealed):
			return fmt.Errorf("the cookie is %q", value)
		case p.value != "" && value != p.value:
			return fmt.Errorf("two cookies for one session")
		}
		p.value = value
	}
	for _, g := range f.gateways() {
		if a := f.with(p.value, g).script(shopSite + "/page"); a.told()["X-Wechat-User"] != p.user {
			return fmt.Errorf("with the new cookie on %s: %s", g.name, a.Status)
		}
	}
	return nil
}

// movedBy visits until the answer has a cookie: a gateway whose Redis is slow
// does not have its visitors wait, and moves them at a later visit.
func movedBy(v *visitor) (a answer) {
	for range 20 {
		if a = v.get(shopSite + "/page"); a.told() == nil || len(a.Header["Set-Cookie"]) > 0 {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	return a
}

// endBothForms signs out with one form of the cookie; neither is good for
// anything then, on either gateway.
func (f *fleet) endBothForms(p *mover, with string) {
	f.t.Helper()
	if a := f.with(with, f.a).logOut(shopSite); a.StatusCode != http.StatusOK {
		f.t.Fatalf("logout: %s %s", a.Status, a.body)
	}
	for _, g := range f.gateways() {
		for form, cookie := range map[string]string{"sealed": p.sealed, "id": p.value} {
			if cookie == "" {
				continue // never given
			}
			if took := refusedAfter(f.with(cookie, g), shopSite+"/page"); took > revokedWithin {
				f.t.Errorf("the %s cookie is refused on %s after %v", form, g.name, took)
			}
		}
	}
}
