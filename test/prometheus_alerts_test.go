//go:build fleet

package test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

var dashboardPicture = flag.String("dashboard", "", "an absolute path: the file that TestPrometheusAlerts draws its dashboard into, as PNG")

// allowed is a time in which alerts of a job may fire.
type allowed struct {
	from, to time.Time
	alerts   []string
}

// watchedRun is a run in which faults are planted one after the other.
type watchedRun struct {
	*observed
	prom    *promServer
	allowed []allowed
}

// step plants faults, waits until their alerts fire, takes the faults away and
// waits until no alert fires. Others may fire beside them: one fault has
// several effects.
type step struct {
	name          string
	plant, lift   func()
	fires, beside []string
}

func (w *watchedRun) do(s step) {
	w.t.Helper()
	began := time.Now()
	w.t.Logf("%s  %s", began.Format("15:04:05"), s.name)
	s.plant()
	w.prom.fires(s.fires...)
	fired := time.Since(began)
	s.lift()
	w.prom.rests()
	w.allowed = append(w.allowed, allowed{began, time.Now(), slices.Concat(s.fires, s.beside)})
	w.t.Logf("%s  fired after %.1f s, all at rest after %.1f s", time.Now().Format("15:04:05"), fired.Seconds(), time.Since(began).Seconds())
}

// A real Prometheus scrapes real gateways every second, with the rules and the
// scrape configuration that we ship. Every alert fires for its fault, and none
// fires without; every expression of rules and dashboard evaluates and has
// values; nothing of a visitor is in a series.
func TestPrometheusAlerts(t *testing.T) {
	o := newObserved(t)
	for _, name := range []string{"shop-1", "shop-2"} {
		o.add("shop", name).ofShop().start()
	}
	workshop := o.add("workshop", "workshop-1").ofWorkshop()
	workshop.start()
	unlock := workshop.agesKey()
	o.addPersons(o.workshop)
	var targets []scraped
	for _, g := range o.gateways {
		targets = append(targets, scraped{g.job, g.name, g.numbers})
	}
	pushes := map[string]string{"main": "shop-1", "club": "shop-2", "lost": "workshop-1"}
	for account, gateway := range pushes {
		o.pushesTo(account, o.gateways[gateway], pushToken)
	}
	o.visitors()
	w := &watchedRun{observed: o, prom: startPrometheus(t, targets)}

	w.do(step{
		name:  "the workshop cannot rotate its key; the shop has no fault",
		plant: func() {}, // since the start
		lift: func() {
			unlock()
			if status, said := outside(t, http.MethodPost, "http://"+workshop.admin+"/wechat/keys/rotate", ""); status != http.StatusOK {
				t.Fatalf("rotating the key: %d %s", status, said)
			}
		},
		fires: []string{"WechatSessionKeyOld job=workshop"},
	})
	for _, s := range w.steps() {
		w.do(s)
	}
	w.checkDashboard()
	w.checkNames()
	w.checkSecrets()
	w.endAll()
	w.checkHistory()
}

// agesKey makes the gateway's session key forty days old, and its lock
// impossible, so that it cannot be rotated. unlock takes away the second.
func (g *observedGateway) agesKey() (unlock func()) {
	t := g.o.t
	t.Helper()
	file := filepath.Join(g.folder, "storage", "wechat", "session_keys.json")
	if err := g.run.until(20*time.Second, func() bool { _, err := os.Stat(file); return err == nil }); err != nil {
		t.Fatal(err)
	}
	g.run.stop()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Version int              `json:"version"`
		Keys    []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(text, &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("%d keys: %v", len(keys.Keys), err)
	}
	keys.Keys[0]["created"] = time.Now().Add(-40 * 24 * time.Hour)
	if text, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	locks := filepath.Join(g.folder, "storage", "locks")
	if err := errorsOf(os.WriteFile(file, text, 0o600), os.RemoveAll(locks), os.WriteFile(locks, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	g.start()
	return func() {
		if err := os.Remove(locks); err != nil {
			t.Fatal(err)
		}
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pushesTo tells simulated WeChat where an account's pushes go.
func (o *observed) pushesTo(account string, g *observedGateway, token string) {
	o.t.Helper()
	address := g.site
	p := wechattest.PushSettings{Token: token, AESKey: pushAESKey, Mode: wechattest.PushSafe}
	if account == "club" {
		address, p.AESKey, p.Mode = g.second, "", wechattest.PushPlain
	}
	p.URL = "http://" + address + "/_wechat/push/" + account
	if err := o.wechat.SetPush(observedApps[account], p); err != nil {
		o.t.Fatal(err)
	}
}

// visitors are the crowd of the shop: they sign in, look around, and leave.
func (o *observed) visitors() {
	b := o.balance("shop-1", "shop-2")
	var mu sync.Mutex
	var inside []guestOf
	someone := func() (guestOf, bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(inside) == 0 {
			return guestOf{}, false
		}
		return inside[rand.N(len(inside))], true
	}
	o.crowd(300*time.Millisecond, func(ctx context.Context, turn int) {
		g := b.guest(observedPerson(turn%observedPersons), true)
		g.open(ctx, shopSite+"/orders")
		mu.Lock()
		defer mu.Unlock()
		if inside = append(inside, g); len(inside) > 80 {
			inside = inside[1:]
		}
	})
	o.crowd(500*time.Millisecond, func(ctx context.Context, turn int) {
		b.guest(observedPerson(turn*7%observedPersons), true).open(ctx, clubSite+"/")
	})
	o.crowd(700*time.Millisecond, func(ctx context.Context, turn int) {
		person := observedPerson(turn * 11 % observedPersons)
		g := b.guest(person, true)
		if token := g.login(ctx, o, shopSite, "mini", person); token != "" {
			_, _, _ = g.send(ctx, http.MethodGet, shopSite+"/api/cart", "", token) // see guestOf
		}
	})
	o.crowd(40*time.Millisecond, func(ctx context.Context, turn int) {
		if g, ok := someone(); ok {
			g.open(ctx, fmt.Sprintf("%s/goods/%d", shopSite, turn))
		}
	})
	o.crowd(1500*time.Millisecond, func(ctx context.Context, _ int) {
		if g, ok := someone(); ok {
			_, _, _ = g.send(ctx, http.MethodPost, shopSite+"/_wechat/logout", "", "") // see guestOf
		}
	})
	o.crowd(4*time.Second, func(ctx context.Context, _ int) { // a script without a session
		_, _, _ = b.guest(observedPerson(0), false).send(ctx, http.MethodPost, shopSite+"/api/cart", "{}", "") // see guestOf
	})
	o.crowd(800*time.Millisecond, func(_ context.Context, turn int) {
		person := observedPerson(turn % observedPersons)
		_, _ = o.wechat.PushText(person, observedApps["main"], "你好")
		if turn%4 == 0 {
			_, _ = o.wechat.PushProfileModified(person, observedApps["main"])
			_, _ = o.wechat.PushText(person, observedApps["club"], "你好")
		}
	})
}

// steps are the faults after the first one.
func (w *watchedRun) steps() []step {
	return []step{w.weChatRefuses(), w.othersFail(), w.lettersDie(), w.storesFail(), w.gatewaysFail()}
}

// minis has mini programs of the workshop sign in again and again.
func (w *watchedRun) minis(every time.Duration, accounts ...string) (off func()) {
	b := w.balance("workshop-1")
	return w.crowd(every, func(ctx context.Context, turn int) {
		person := observedPerson(turn % observedPersons)
		for _, account := range accounts {
			b.guest(person, true).login(ctx, w.observed, workshopSite, account, person)
		}
	})
}

func (w *watchedRun) weChatRefuses() step {
	var off []func()
	return step{
		name: "WeChat refuses: the club's callback domain, scope of the shop's mini program, secret, quota, address; browsers lose cookies",
		plant: func() {
			w.plant("club", atAuthorize, errorPage)
			w.plant("mini", atLogin, errcode(48001))
			w.plant("secret", atLogin, errcode(40125))
			w.plant("quota", atLogin, errcode(45009))
			w.plant("ip", atToken, errcode(40164))
			b := w.balance("workshop-1")
			off = append(off, w.minis(700*time.Millisecond, "secret", "quota"),
				w.crowd(400*time.Millisecond, func(ctx context.Context, turn int) {
					b.guest(observedPerson(turn%observedPersons), false).open(ctx, workshopSite+"/")
				}),
				w.crowd(3*time.Second, func(ctx context.Context, turn int) {
					person := observedPerson(turn % observedPersons)
					g := b.guest(person, true)
					token := g.login(ctx, w.observed, workshopSite, "ip", person)
					code := w.wechat.PhoneCode(person, observedApps["ip"])
					_, _, _ = g.send(ctx, http.MethodPost, workshopSite+"/_wechat/mini-program/ip/phone", fmt.Sprintf(`{"code":%q}`, code), token) // see guestOf
				}))
		},
		lift: func() {
			w.liftAll()
			for _, f := range off {
				f()
			}
		},
		fires: []string{
			"WechatCallbackDomainWrong job=shop account=club", "WechatAPIErrors job=shop account=mini endpoint=login errcode=48001",
			"WechatSecretWrong job=workshop account=secret", "WechatQuotaUsedUp job=workshop account=quota", "WechatIPNotAllowed job=workshop account=ip",
			"WechatSignInsNotRecognized job=workshop account=lost", "WechatSignInsFailing job=shop account=mini",
		},
		beside: []string{"WechatSignInsFailing job=workshop account=secret", "WechatSignInsFailing job=workshop account=quota"},
	}
}

func (w *watchedRun) othersFail() step {
	var off, replaced, found func()
	return step{
		name: "the business system and the relay are down, the club's push token is wrong, WeChat is slow in the workshop, whose ledger is another one and has lost persons",
		plant: func() {
			w.crm.status.Store(http.StatusInternalServerError)
			w.relays.Store(http.StatusInternalServerError)
			w.pushesTo("club", w.gateways["shop-2"], "anotherToken")
			w.plant("slow", atLogin, w.slowly(3*time.Second))
			off = w.minis(300*time.Millisecond, "slow")
			replaced = w.replaceLedger(w.workshop)
			found = w.losePersons(w.workshop)
		},
		lift: func() {
			w.crm.status.Store(http.StatusNoContent)
			w.relays.Store(http.StatusOK)
			w.pushesTo("club", w.gateways["shop-2"], pushToken)
			w.liftAll()
			off()
			replaced()
			found()
		},
		fires: []string{
			"WechatWebhookQueueGrowing job=shop webhook=crm", "WechatWebhookStuck job=shop webhook=crm", "WechatPushRelayFailing job=shop account=main",
			"WechatPushesRefused job=shop account=club", "WechatAPISlow job=workshop endpoint=login", "WechatLedgerReplaced job=workshop",
			"WechatPersonsLost job=workshop",
		},
	}
}

// replaceLedger has a Redis say that its ledger is another one. restore takes
// that back, as a backup does.
func (w *watchedRun) replaceLedger(redis *redistest.Server) (restore func()) {
	const key, field = "wechat:{l}:meta", "identity"
	was, err := redis.Do("hget", key, field).Text()
	set := func(id string) {
		w.t.Helper()
		if err := redis.Do("hset", key, field, id).Err(); err != nil {
			w.t.Fatal(err)
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	set("another")
	return func() { set(was) }
}

// personsKey is the hash of the persons' records.
const personsKey = "wechat:{l}:person"

// restingPersons are persons of the workshop who never come: their records are
// not read.
const restingPersons = 500

// addPersons adds them to the ledger in a Redis.
func (o *observed) addPersons(redis *redistest.Server) {
	o.t.Helper()
	add := []any{"hset", personsKey}
	for i := range restingPersons {
		add = append(add, fmt.Sprint("resting", i), "{}")
	}
	if err := redis.Do(add...).Err(); err != nil {
		o.t.Fatal(err)
	}
}

// losePersons takes them away. found takes that back, as a backup does.
func (w *watchedRun) losePersons(redis *redistest.Server) (found func()) {
	w.t.Helper()
	lose := []any{"hdel", personsKey}
	for i := range restingPersons {
		lose = append(lose, fmt.Sprint("resting", i))
	}
	if err := redis.Do(lose...).Err(); err != nil {
		w.t.Fatal(err)
	}
	return func() { w.addPersons(redis) }
}

func (w *watchedRun) lettersDie() step {
	var off func()
	return step{
		name: "the business system refuses events for good; a flood of sign-ins in the workshop",
		plant: func() {
			w.crm.status.Store(http.StatusGone)
			held := make(chan struct{})
			w.plant("flood", atLogin, func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-held:
				case <-r.Context().Done():
				}
			})
			b := w.balance("workshop-1")
			off = w.crowd(time.Millisecond, func(ctx context.Context, turn int) {
				if turn < 1600 {
					person := observedPerson(turn % observedPersons)
					b.guest(person, true).login(ctx, w.observed, workshopSite, "flood", person)
				}
			})
			w.t.Cleanup(func() { close(held) })
		},
		lift: func() {
			w.crm.status.Store(http.StatusNoContent)
			off()
			w.liftAll()
		},
		fires:  []string{"WechatWebhookDeadLetters job=shop webhook=crm", "WechatAdmissionRefusing job=workshop instance=workshop-1"},
		beside: []string{"WechatSignInsFailing job=workshop account=flood", "WechatUnreachable job=workshop", "WechatAPISlow job=workshop"},
	}
}

func (w *watchedRun) storesFail() step {
	journal := filepath.Join(w.gateways["workshop-1"].folder, "caddy", "wechat", "pushes")
	return step{
		name: "the shop's Redis hangs; the workshop's Redis is full, and its journal of pushes cannot be written",
		plant: func() {
			w.balance("workshop-1").guest(observedPerson(0), true).open(context.Background(), workshopSite+"/") // a person to forget
			if err := errorsOf(os.MkdirAll(filepath.Dir(journal), 0o700), os.RemoveAll(journal), os.WriteFile(journal, nil, 0o600)); err != nil {
				w.t.Fatal(err)
			}
			if err := w.workshop.Do("config", "set", "maxmemory", "1").Err(); err != nil {
				w.t.Fatal(err)
			}
			w.observed.shop.Pause(0)
			for _, account := range []string{"main", "lost"} {
				_, _ = w.wechat.PushRevoke(observedPerson(0), observedApps[account], "1")
			}
		},
		lift: func() {
			w.observed.shop.Resume()
			if err := w.workshop.Do("config", "set", "maxmemory", "0").Err(); err != nil {
				w.t.Fatal(err)
			}
			if err := os.Remove(journal); err != nil {
				w.t.Fatal(err)
			}
		},
		fires: []string{
			"WechatStoreDown job=shop instance=shop-1 store=sessions", "WechatStoreDown job=shop instance=shop-2 store=ledger",
			"WechatStoreDown job=workshop store=ledger", "WechatLedgerCannotWrite job=shop", "WechatPushesWaiting job=shop account=main",
			"WechatPushesLost job=workshop account=lost", "WechatSignInsFailing job=shop account=main",
		},
		beside: []string{
			"WechatStoreDown", "WechatLedgerCannotWrite", "WechatSignInsFailing job=shop", "WechatPushRelayFailing job=shop", "WechatPushesWaiting",
			"WechatWebhookStuck job=shop", "WechatWebhookQueueGrowing job=shop", "WechatPushesLost job=shop",
		},
	}
}

func (w *watchedRun) gatewaysFail() step {
	return step{
		name: "WeChat answers 502 to the shop, one of its gateways is killed; the workshop's gateway crashes again and again",
		plant: func() {
			for _, account := range []string{"main", "club"} {
				w.plant(account, atExchange, badGateway)
			}
			w.plant("mini", atLogin, badGateway)
			w.gateways["shop-2"].run.stop()
			for range 3 {
				w.gateways["workshop-1"].run.stop()
				w.gateways["workshop-1"].start()
				w.await(2, "workshop-1")
			}
		},
		lift: func() {
			w.liftAll()
			w.gateways["shop-2"].start()
		},
		fires: []string{
			"WechatUnreachable job=shop", "WechatSignInsFailing job=shop account=main", "WechatGatewayDown job=shop instance=shop-2",
			"WechatGatewayRestarting job=workshop instance=workshop-1",
		},
		beside: []string{"WechatSignInsFailing job=shop", "WechatGatewayDown job=workshop", "WechatWebhookStuck job=shop"},
	}
}

// await waits until Prometheus has scraped a gateway so often since now.
func (w *watchedRun) await(scrapes int, instance string) {
	w.t.Helper()
	from := time.Now().Add(time.Second)
	soon(w.t, "scrapes of "+instance, time.Minute, func() bool {
		found, err := w.prom.between(fmt.Sprintf(`timestamp(caddy_wechat_admission_running{instance=%q})`, instance), from, time.Now())
		if err != nil || len(found) != 1 {
			return false
		}
		seen := map[float64]bool{}
		for _, v := range found[0].Values {
			if at, value := v.read(); !at.Before(from) && value >= float64(from.Unix()) {
				seen[value] = true
			}
		}
		return len(seen) >= scrapes
	})
}

// checkDashboard evaluates every expression of the dashboard over the run, and
// draws it.
func (w *watchedRun) checkDashboard() {
	w.t.Helper()
	d, until := readDashboard(w.t), time.Now()
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			found, err := w.prom.between(substitute(q.Expr, "10s"), w.prom.began, until)
			if err != nil {
				w.t.Errorf("%v: %v", p, err)
			} else if !slices.ContainsFunc(found, promSeries.hasValue) {
				w.t.Errorf("%v: no value in the whole run: %s", p, q.Expr)
			}
		}
	}
	if *dashboardPicture == "" {
		return
	}
	time.Sleep(12 * time.Second) // so that the rates at the end of the picture are those of a shop without a fault
	until = time.Now()
	picture := drawDashboard(d, w.prom.began.Add(6*time.Second), until, func(p panel) []series {
		all, err := w.prom.seriesOf(p, "shop", "10s", w.prom.began.Add(6*time.Second), until)
		if err != nil {
			w.t.Error(err)
		}
		return all
	})
	savePicture(w.t, picture, *dashboardPicture)
}

func (s promSeries) hasValue() bool {
	return slices.ContainsFunc(s.Values, func(v sample) bool { _, value := v.read(); return value == value })
}

// savePicture has Chromium draw an SVG as PNG.
func savePicture(t *testing.T, svg, file string) {
	t.Helper()
	source := filepath.Join(t.TempDir(), "dashboard.html")
	if err := os.WriteFile(source, []byte(`<!doctype html><meta charset="utf-8"><style>*{margin:0}svg{display:block}</style>`+svg), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startChromium(t, map[string]string{"window-size": fmt.Sprintf("%d,1000", drawnWidth), "force-device-scale-factor": "1"})
	var png []byte
	b.do(chromedp.Navigate("file://"+source), chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(file, palette(t, png), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("drawn: %s", file)
}

// checkNames checks that Prometheus evaluates all rules, and that each fired.
func (w *watchedRun) checkNames() {
	w.t.Helper()
	if names, rules := w.prom.evaluates(), readRules(w.t); len(names) != len(rules) {
		w.t.Errorf("Prometheus has %d rules of %d: %v", len(names), len(rules), names)
	}
}

// checkSecrets looks for anything secret or personal in what Prometheus is told
// (attack: metrics are read by more people, and kept longer, than the data).
func (w *watchedRun) checkSecrets() {
	w.t.Helper()
	never := append(w.wechat.Issued(), observedSecret, pushToken, pushAESKey, hookSecret, hookKey, fleetKeys["FLEET_KEY"], "某人", "person0", "/orders", "/goods")
	for _, id := range observedApps {
		for n := range observedPersons {
			never = append(never, w.wechat.OpenID(observedPerson(n), id), w.wechat.UnionID(observedPerson(n), id))
		}
	}
	never = slices.DeleteFunc(never, func(s string) bool { return s == "" })
	for name, g := range w.gateways {
		body := g.metrics()
		if strings.Count(body, "\ncaddy_wechat_") < 100 || len(never) < 3000 {
			w.t.Fatalf("%s: %d bytes of metrics, %d secrets", name, len(body), len(never))
		}
		for _, secret := range never {
			if strings.Contains(body, secret) {
				w.t.Errorf("%s: the metrics contain %.12q", name, secret)
			}
		}
		if address := visitorAddress.FindString(body); address != "" {
			w.t.Errorf("%s: the metrics contain a visitor's address: %s", name, address)
		}
	}
}

// visitorAddress is an address as the crowd has them.
var visitorAddress = regexp.MustCompile(`\b10\.\d+\.\d+\.\d+\b`)

// endAll stops every gateway: then no metric comes.
func (w *watchedRun) endAll() {
	w.t.Helper()
	began := time.Now()
	for _, g := range w.gateways {
		g.run.stop()
	}
	w.prom.fires("WechatMetricsMissing", "WechatGatewayDown job=shop", "WechatGatewayDown job=workshop")
	w.allowed = append(w.allowed, allowed{began, time.Now().Add(time.Minute), []string{"WechatMetricsMissing", "WechatGatewayDown"}})
}

// checkHistory checks that every alert fired in this run, and that none did
// without its fault.
func (w *watchedRun) checkHistory() {
	w.t.Helper()
	history, err := w.prom.between(`ALERTS{alertstate="firing"}`, w.prom.began, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range history {
		a := alert{Labels: s.Metric}
		for _, v := range s.Values {
			at, _ := v.read()
			if !slices.ContainsFunc(w.allowed, func(ok allowed) bool {
				return !at.Before(ok.from.Truncate(time.Second)) && !at.After(ok.to.Add(time.Second)) && slices.ContainsFunc(ok.alerts, a.is)
			}) {
				w.t.Errorf("%s: %v fires without its fault", at.Format("15:04:05"), s.Metric)
				break
			}
		}
	}
	for _, rule := range readRules(w.t) {
		if !w.prom.seen[rule.Alert] {
			w.t.Errorf("%s has not fired", rule.Alert)
		}
	}
}
