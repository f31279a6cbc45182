package test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// A second AppSecret, which is no other account's.
const freshSecret = "fedcba9876543210fedcba9876543210"

// runbooks carry out each section of docs/operations.md that has commands, by
// its heading.
var runbooks = map[string]func(*testing.T, string){
	"Before you begin":               runFirstLook,
	"A changed AppSecret":            runChangedSecret,
	"A frozen AppSecret":             runFrozenSecret,
	"With generated keys":            runLeakedKey,
	"With configured keys":           runLeakedConfiguredKey,
	"A leaked webhook secret":        runLeakedWebhookSecret,
	"A leaked push token or AES key": runLeakedPushToken,
	"Redis does not answer":          runRedisDown,
	"Redis has lost its data":        runRedisLost,
	"From an export":                 runRedisFromExport,
	"A lost ledger":                  runLostLedger,
	"A ledger with problems":         runLedgerWithProblems,
	"Back up ledger and keys":        runBackup,
	"Back up Redis":                  runBackupRedis,
	"Restore":                        runRestore,
	"After a restore":                runAfterRestore,
	"Move to another machine":        runMove,
	"An abuser":                      runAbuser,
	"A request for one's data":       runExport,
	"A request for erasure":          runErasure,
}

// Each runbook does what it says, with the commands of the document, and
// prints what the document says. A section with commands and without a row here
// fails.
func TestRunbooks(t *testing.T) {
	headings := runbookHeadings(t, "../docs/operations.md")
	for _, heading := range headings {
		t.Run(heading, func(t *testing.T) {
			run, ok := runbooks[heading]
			if !ok {
				t.Fatalf("no test carries out %q of docs/operations.md", heading)
			}
			run(t, heading)
		})
	}
	if len(headings) != len(runbooks) {
		t.Errorf("docs/operations.md has %d sections with commands, and this test %d: %q", len(headings), len(runbooks), headings)
	}
}

func runFirstLook(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	n.visits(n.visitor("ming"))
	n.step()
	n.step()
	n.end()
}

func runChangedSecret(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.resets(freshSecret)
	n.stays(ming, user)
	page := n.fails(http.StatusInternalServerError, "微信登录尚未设置好")
	n.stdin = freshSecret + "\n"
	n.step()
	n.step()
	n.step()
	n.stays(ming, user)
	// Who saw the page reloads it.
	if again := n.visitor("hong").open(page.url); again.StatusCode == http.StatusInternalServerError {
		t.Errorf("the page stays %s", again.Status)
	}
	n.step()
	n.visits(n.visitor("hong"))
	n.step()
	n.end()
}

func runFrozenSecret(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	undo, err := n.wechat.Plant("secret_frozen")
	if err != nil {
		t.Fatal(err)
	}
	n.fails(http.StatusInternalServerError, "微信登录尚未设置好")
	if line := n.log(); !strings.Contains(line, `"errcode":40243`) || !strings.Contains(line, "Unfreeze the AppSecret") {
		t.Errorf("the log does not say what to do:\n%s", line)
	}
	undo()
	n.visits(n.visitor("hong")) // without a reload
	n.step()
	n.end()
}

func runLeakedKey(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.step()
	n.step()
	if lines := strings.Count(n.said, "\n"); lines != 2 {
		t.Errorf("not one key is left:\n%s", n.said)
	}
	if again, redirects := n.visits(ming); again != user || redirects == 0 {
		t.Errorf("%s became %s after %d redirects: the old key still opens", user, again, redirects)
	}
	n.end()
}

func runLeakedConfiguredKey(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin() // makes a key that stays for a while after the next reload
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.write("etc/caddy/secrets/session-key", "a key of more than thirty-two characters, and leaked\n")
	n.edit("\twechat {\n", "\twechat {\n\t\tsession {\n\t\t\tkey {file."+n.path("etc/caddy/secrets/session-key")+"}\n\t\t}\n")
	if out, err := n.shell("wechat-gateway reload --config " + n.path("etc/caddy/Caddyfile")); err != nil {
		t.Fatal(err, out)
	}
	n.stays(ming, user)
	n.step()
	if again, redirects := n.visits(ming); again != user || redirects == 0 {
		t.Errorf("%s became %s after %d redirects: the old key still opens", user, again, redirects)
	}
	n.step()
	n.end()
}

// crm is a receiver of webhooks that accepts the signatures of one secret.
type crm struct {
	*httptest.Server
	mu                sync.Mutex
	secret            string
	accepted, refused int
}

func newCRM(t *testing.T) *crm {
	c := &crm{secret: hookSecret}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.signed(r.Header, body) {
			c.refused++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c.accepted++
	}))
	t.Cleanup(c.Close)
	return c
}

// signed reports whether one of the signatures was made with the receiver's
// secret.
func (c *crm) signed(h http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), body)
	return slices.Contains(strings.Fields(h.Get("Webhook-Signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func (c *crm) counts() (accepted, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accepted, c.refused
}

// hears waits until the receiver has accepted as many events.
func (c *crm) hears(t *testing.T, events int) {
	t.Helper()
	soon(t, fmt.Sprintf("the receiver accepts %d events", events), 20*time.Second, func() bool {
		accepted, _ := c.counts()
		return accepted >= events
	})
	if _, refused := c.counts(); refused > 0 {
		t.Errorf("the receiver refused %d events", refused)
	}
}

func runLeakedWebhookSecret(t *testing.T, heading string) {
	n, receiver := newNight(t, heading, false), newCRM(t)
	n.edit("http://127.0.0.1:9/", receiver.URL+"/")
	n.begin()
	ming := n.visitor("ming")
	n.visits(ming) // two events: silent, then with consent
	receiver.hears(t, 2)
	n.step()
	n.step()
	n.visits(n.visitor("ming"))
	receiver.hears(t, 3) // still with the old secret
	receiver.mu.Lock()
	receiver.secret = n.secret("webhook-crm-2")
	receiver.mu.Unlock()
	n.visits(n.visitor("ming"))
	receiver.hears(t, 4)
	n.step()
	n.visits(n.visitor("ming"))
	receiver.hears(t, 5)
	n.delivered()
	n.step()
	n.end()
}

// delivered waits until no event waits: the gateway notes a moment later than
// the receiver that an event was accepted.
func (n *night) delivered() {
	n.t.Helper()
	soon(n.t, "no event waits", 20*time.Second, func() bool {
		_, text := outside(n.t, http.MethodGet, "http://localhost:"+n.ports.admin+"/wechat/webhooks", "")
		return strings.Contains(text, `"waiting":0`)
	})
}

func runLeakedPushToken(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.write("etc/caddy/secrets/push-token", pushToken)
	n.write("etc/caddy/secrets/push-aes-key", pushAESKey)
	n.edit("wechat-app-secret}\n", "wechat-app-secret}\n\t\t\tpush_token {file."+n.path("etc/caddy/secrets/push-token")+"}\n\t\t\tpush_aes_key {file."+n.path("etc/caddy/secrets/push-aes-key")+"}\n")
	n.begin()
	push := wechattest.PushSettings{URL: n.site + "/_wechat/push/default", Token: pushToken, AESKey: pushAESKey, Mode: wechattest.PushSafe}
	settings := func(p wechattest.PushSettings) { // in WeChat's console
		t.Helper()
		if err := n.wechat.SetPush(appID, p); err != nil {
			t.Fatal(err)
		}
		if check, err := n.wechat.CheckPush(appID); err != nil || !check.Accepted {
			t.Fatalf("WeChat does not save the settings: %+v, %v", check, err)
		}
	}
	settings(push)
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	// The stranger has both secrets, and says that the person withdrew.
	forges := func(accepted bool) {
		t.Helper()
		if p, err := n.wechat.PushRevoke("ming", appID, "205"); err != nil || p.Accepted != accepted {
			t.Errorf("a forged push was accepted: %t, want %t (%v)", p.Accepted, accepted, err)
		}
	}
	forges(true)
	if again, redirects := n.visits(ming); again != user || redirects == 0 {
		t.Errorf("%s became %s after %d redirects: the forgery has no effect", user, again, redirects)
	}
	n.step()
	n.step()
	n.step()
	push.Token, push.AESKey = n.secret("push-token-2"), n.secret("push-aes-key-2")
	if !strings.Contains(n.said, push.Token) || !strings.Contains(n.said, push.AESKey) {
		t.Errorf("the operator cannot read the new secrets:\n%s", n.said)
	}
	settings(push)
	n.quirks(wechattest.Quirks{PushOldToken: wechattest.Knob{On: true}})
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // two pushes of the same second are one
	forges(true)                                                              // until the old secrets are gone
	if ming.passes(n.site) {
		t.Error("the second forgery has no effect")
	}
	n.step()
	ming = n.visitor("ming") // another browser: one that comes back from WeChat three times in a minute is asked to try again
	n.visits(ming)
	forges(false)
	n.stays(ming, user)
	n.quirks(wechattest.Quirks{})
	forges(true) // WeChat itself
	n.step()
	n.step()
	n.end()
}

// secret reads a secret of the gateway.
func (n *night) secret(name string) string {
	n.t.Helper()
	text, err := os.ReadFile(n.path("etc/caddy/secrets/" + name))
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func runRedisDown(t *testing.T, heading string) {
	n := newNight(t, heading, true)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.redis.Kill()
	n.stays(ming, user)
	n.fails(http.StatusServiceUnavailable, "")
	n.step()
	n.step()
	if strings.TrimSpace(n.said) == "0" {
		t.Error("Redis has come back without the person")
	}
	n.ready()
	n.step()
	n.stays(ming, user)
	n.end()
}

// ready waits until the gateway is ready: it notices within a second or two.
func (n *night) ready() {
	n.t.Helper()
	soon(n.t, "the gateway is ready", 20*time.Second, func() bool {
		status, _ := outside(n.t, http.MethodGet, "http://localhost:"+n.ports.admin+"/wechat/ready", "")
		return status == http.StatusOK
	})
}

func runRedisLost(t *testing.T, heading string) {
	n := newNight(t, heading, true)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	if out, err := n.shell(n.replace.Replace("redis-cli --rdb /var/backups/wechat-redis.rdb && redis-cli flushall")); err != nil {
		t.Fatal(err, out)
	}
	soon(t, "the log says that the ledger is another one", 60*time.Second, func() bool {
		return strings.Contains(n.log(), "the ledger is another one than before")
	})
	n.step()
	n.step()
	n.step()
	n.step()
	n.stays(ming, user)
	n.step()
	n.well()
	n.end()
}

func runRedisFromExport(t *testing.T, heading string) {
	n := newNight(t, heading, true)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	if out, err := n.shell(n.replace.Replace("wechat-gateway wechat ledger export --file /var/backups/wechat-ledger.jsonl && redis-cli flushall")); err != nil {
		t.Fatal(err, out)
	}
	n.visits(ming) // a new person, who would contradict the file
	n.step()
	n.ready()
	if again, _ := n.visits(ming); again != user {
		t.Errorf("%s became %s", user, again)
	}
	n.end()
}

func runLostLedger(t *testing.T, heading string) {
	for name, lose := range map[string]func(file string) error{
		"cut off": func(file string) error { return os.Truncate(file, 10_000) },
		"gone":    os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t, heading, false)
			n.begin()
			ming := n.visitor("ming")
			user, _ := n.visits(ming)
			n.backs()
			if err := n.stopUnit("caddy"); err != nil {
				t.Fatal(err)
			}
			if err := lose(n.path("var/lib/caddy/.local/share/caddy/wechat/ledger.db")); err != nil {
				t.Fatal(err)
			}
			err := n.startUnit("caddy")
			if name == "gone" {
				soon(t, "the log says that the ledger is another one", 20*time.Second, func() bool {
					return strings.Contains(n.log(), "the ledger is another one than before")
				})
				if again, _ := n.visits(ming); again == user {
					t.Error("the ledger is not gone")
				}
			} else if err == nil || !strings.Contains(err.Error(), "it was cut off; restore the backup") {
				t.Fatalf("with a truncated ledger: %v", err)
			}
			n.step()
			n.step()
			n.step()
			if again, _ := n.visits(ming); again != user {
				t.Errorf("%s became %s", user, again)
			}
			n.well()
			n.end()
		})
	}
}

func runLedgerWithProblems(t *testing.T, heading string) {
	n, receiver := newNight(t, heading, false), newCRM(t)
	n.edit("http://127.0.0.1:9/", receiver.URL+"/")
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	receiver.hears(t, 2)
	n.delivered()
	if err := n.stopUnit("caddy"); err != nil {
		t.Fatal(err)
	}
	n.damages("openid", "unionid")
	if err := n.startUnit("caddy"); err != nil {
		t.Fatal(err)
	}
	if out, err := n.shell("wechat-gateway wechat ledger verify"); err == nil || strings.Count(out, "name_missing") != 2 {
		t.Fatalf("the damage is not found: %v\n%s", err, out)
	}
	n.step()
	n.step()
	n.stays(ming, user)
	n.step()
	if again, _ := n.visits(n.visitor("ming")); again != user {
		t.Errorf("%s became %s", user, again)
	}
	n.end()
}

// damages empties tables of the ledger's file.
func (n *night) damages(tables ...string) {
	n.t.Helper()
	file, err := bolt.Open(n.path("var/lib/caddy/.local/share/caddy/wechat/ledger.db"), 0o600, &bolt.Options{Timeout: 10 * time.Second})
	if err != nil {
		n.t.Fatal(err)
	}
	defer file.Close()
	if err := file.Update(func(tx *bolt.Tx) error {
		for _, table := range tables {
			bucket := tx.Bucket([]byte(table))
			if err := bucket.ForEach(func(key, _ []byte) error { return bucket.Delete(bytes.Clone(key)) }); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		n.t.Fatal(err)
	}
}

// well checks that the doctor finds nothing.
func (n *night) well() {
	n.t.Helper()
	look := runbook(n.t, "docs/operations.md", "Before you begin")[0]
	if out, err := n.shell(n.replace.Replace(look.commands)); err != nil || !strings.Contains(out, "warning 0, failure 0, unknown 0") {
		n.t.Errorf("%v\n%s", err, out)
	}
}

// backs makes the backup of the section Back up.
func (n *night) backs() {
	n.t.Helper()
	if out, err := n.shell(n.replace.Replace(runbook(n.t, "docs/operations.md", "Back up ledger and keys")[0].commands)); err != nil {
		n.t.Fatal(err, out)
	}
}

func runBackup(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.step()
	n.stays(ming, user)
	if strings.Contains(n.said, "\nwechat/ledger.db") {
		t.Errorf("the archive has a copy of a file in use:\n%s", n.said)
	}
	for _, name := range []string{"wechat.tar.gz", "wechat-ledger.db"} {
		if info, err := os.Stat(n.path("var/backups/" + name)); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	n.end()
}

func runBackupRedis(t *testing.T, heading string) {
	n := newNight(t, heading, true)
	n.begin()
	n.visits(n.visitor("ming"))
	n.step()
	n.step()
	for _, name := range []string{"wechat.tar.gz", "wechat-redis.rdb", "wechat-ledger.jsonl"} {
		if info, err := os.Stat(n.path("var/backups/" + name)); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	n.end()
}

func runRestore(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.backs()
	n.visits(n.visitor("hong")) // who is not in the backup
	if out, err := n.shell(n.replace.Replace("wechat-gateway wechat keys rotate --retire-now --yes && wechat-gateway wechat persons erase " + user + " --yes")); err != nil {
		t.Fatal(err, out)
	}
	n.step()
	n.stays(ming, user)
	n.step()
	n.end()
}

func runAfterRestore(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	ming := n.visitor("ming")
	n.visits(ming)
	n.step()
	n.step()
	if _, redirects := n.visits(ming); redirects == 0 {
		t.Error("the visitor is still signed in")
	}
	n.end()
}

func runMove(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.replace = strings.NewReplacer("-C / ", "-C "+n.root+" ", "/var/backups", n.path("var/backups"), "/var/lib/caddy /etc/caddy/secrets", n.path("var/lib/caddy")+" "+n.path("etc/caddy/secrets"),
		"chown -R caddy: ", "chown -R $(id -u) ", "/etc/caddy/Caddyfile", n.path("etc/caddy/Caddyfile"), "localhost:2019", "localhost:"+n.ports.admin)
	n.begin()
	ming := n.visitor("ming")
	user, _ := n.visits(ming)
	n.step()
	for _, folder := range []string{"etc", "var/lib"} { // the new machine has nothing
		if err := os.RemoveAll(n.path(folder)); err != nil {
			t.Fatal(err)
		}
	}
	n.step()
	n.stays(ming, user)
	n.step()
	n.end()
}

// someone signs in; the names are what the document's examples stand for.
func (n *night) someone() (v *visitor, names []string) {
	n.t.Helper()
	v = n.visitor("ming")
	user, _ := n.visits(v)
	v.open(n.site + "/")
	openID := n.app.one(n.t).header.Get("X-Wechat-Openid")
	return v, []string{"oTest_openid-0123456789abcde", openID, "ab2cd3ef4gh5ij6kl7mnopqrst", user}
}

func runAbuser(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	v, names := n.someone()
	enters := func(want bool, when string) {
		t.Helper()
		soon(t, when, 20*time.Second, func() bool {
			a := v.signIn(n.site + "/")
			return (a.StatusCode == http.StatusOK) == want && (a.StatusCode == http.StatusForbidden) == !want
		})
	}
	n.step(names...)
	n.step(names...)
	enters(false, "the banned person is kept out")
	n.visits(n.visitor("hong"))
	n.step(names...)
	n.step(names...)
	enters(true, "the person may enter again")
	n.step(names...)
	enters(false, "the person is denied")
	n.visits(n.visitor("hong"))
	n.end()
}

func runExport(t *testing.T, heading string) {
	n := newNight(t, heading, false)
	n.begin()
	v, names := n.someone()
	n.step(names...)
	n.step(names...)
	n.stays(v, names[3])
	n.end()
}

func runErasure(t *testing.T, heading string) {
	n, receiver := newNight(t, heading, false), newCRM(t)
	n.edit("http://127.0.0.1:9/", receiver.URL+"/")
	n.begin()
	v, names := n.someone()
	n.step(names...)
	receiver.hears(t, 3) // two sign-ins, and the erasure
	n.delivered()
	n.step(names...)
	if user, redirects := n.visits(v); user == names[3] || redirects == 0 {
		t.Errorf("%s comes back as %s after %d redirects", names[3], user, redirects)
	}
	n.end()
}

// The Chinese runbooks have the same commands, in the same order and under the
// same number of headings of each level, as those that TestRunbooks carries
// out.
func TestRunbooksAreTheSameInChinese(t *testing.T) {
	outline := func(path string) (lines []string) {
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		inside := false
		for line := range strings.SplitSeq(string(document), "\n") {
			fence := strings.HasPrefix(strings.TrimSpace(line), "```")
			if fence {
				inside = !inside
			}
			switch {
			case fence || inside:
				lines = append(lines, line)
			case strings.HasPrefix(line, "#"):
				lines = append(lines, strings.Repeat("#", len(line)-len(strings.TrimLeft(line, "#")))+" …")
			}
		}
		return lines
	}
	english, chinese := outline("../docs/operations.md"), outline("../docs/operations.zh-CN.md")
	for i := range min(len(english), len(chinese)) {
		if english[i] != chinese[i] {
			t.Fatalf("docs/operations.zh-CN.md has\n%s\nand docs/operations.md has\n%s", chinese[i], english[i])
		}
	}
	if len(english) != len(chinese) || len(english) < 100 {
		t.Errorf("%d lines of commands and headings in English, %d in Chinese", len(english), len(chinese))
	}
}
