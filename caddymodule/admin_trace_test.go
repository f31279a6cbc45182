package caddymodule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// marks finds the marks of a person.
type marks map[string]string // what → mark

// in returns what is found in a text.
func (m marks) in(text string) (found []string) {
	for what, mark := range m {
		if strings.Contains(text, mark) {
			found = append(found, what)
		}
	}
	slices.Sort(found)
	return found
}

// boltText is all that a ledger's file says: every key and value of every
// bucket. Pages that are in use no more may still hold older bytes.
func boltText(t *testing.T, file string) string {
	t.Helper()
	db, err := bolt.Open(file, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all strings.Builder
	var walk func(b *bolt.Bucket) error
	walk = func(b *bolt.Bucket) error {
		return b.ForEach(func(key, value []byte) error {
			fmt.Fprintf(&all, "%s %s\n", key, value)
			if value == nil && b.Bucket(key) != nil {
				return walk(b.Bucket(key))
			}
			return nil
		})
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			fmt.Fprintf(&all, "%s\n", name)
			return walk(b)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// redisText is all that a Redis says: every key, and its value by its type.
func redisText(t *testing.T, client redis.UniversalClient) string {
	t.Helper()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, key := range keys {
		kind, err := client.Type(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		read := map[string]func() (any, error){
			"string": func() (any, error) { return client.Get(t.Context(), key).Result() },
			"hash":   func() (any, error) { return client.HGetAll(t.Context(), key).Result() },
			"zset":   func() (any, error) { return client.ZRangeWithScores(t.Context(), key, 0, -1).Result() },
			"set":    func() (any, error) { return client.SMembers(t.Context(), key).Result() },
			"list":   func() (any, error) { return client.LRange(t.Context(), key, 0, -1).Result() },
			"none":   func() (any, error) { return "", nil }, // it has expired
		}[kind]
		if read == nil {
			t.Fatalf("%s is a %s", key, kind)
		}
		value, err := read()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %v\n", key, value)
	}
	return all.String()
}

// filesText is the content of all files in a folder, but for the ledger's.
func filesText(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "ledger.db" {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %s\n", path, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// answersText is what the admin calls say that need no id.
func (o *office) answersText(persons ...string) string {
	o.t.Helper()
	paths := []string{"/wechat/ledger", "/wechat/webhooks", "/wechat/webhooks/crm", "/wechat/webhooks/crm/dead", "/wechat/webhooks/shop", "/wechat/webhooks/shop/dead", "/wechat/doctor", "/wechat/ready"}
	for _, id := range persons {
		paths = append(paths, "/wechat/persons/"+id, "/wechat/sessions?person="+id)
	}
	var all strings.Builder
	for _, path := range paths {
		_, answer, _ := o.call("GET", path, "")
		all.WriteString(answer)
	}
	for _, hook := range []string{"crm", "shop"} {
		var shown shownWebhook
		if err := json.Unmarshal([]byte(o.must("GET", "/wechat/webhooks/"+hook, "", http.StatusOK)), &shown); err != nil {
			o.t.Fatal(err)
		}
		for _, l := range shown.Events {
			all.WriteString(o.must("GET", "/wechat/webhooks/"+hook+"/letters/"+l.ID, "", http.StatusOK))
		}
	}
	return all.String()
}

// enrich gives a person a unionid, a nickname, an avatar and a phone number, as a
// newer record of an import.
func (o *office) enrich(person string, m marks) {
	o.t.Helper()
	var record map[string]any
	if err := json.Unmarshal([]byte(o.must("GET", "/wechat/persons/"+person, "", http.StatusOK)), &record); err != nil {
		o.t.Fatal(err)
	}
	record["version"] = record["version"].(float64) + 1
	record["unionid"], record["nickname"], record["profile_at"] = m["unionid"], m["nickname"], record["first_seen"]
	record["avatar"] = "https://example.com/" + m["nickname"] + ".png"
	account := record["accounts"].([]any)[0].(map[string]any)
	account["phone"], account["phone_at"], account["consent_at"] = m["phone"], record["first_seen"], record["first_seen"]
	line, err := json.Marshal(record)
	if err != nil {
		o.t.Fatal(err)
	}
	o.must("POST", "/wechat/ledger", "{\"format\":\"wechat-ledger\",\"version\":2}\n"+string(line)+"\n", http.StatusOK)
}

// A person signs in on two browsers, is known by nickname and phone, and has
// sessions, waiting events, dead letters, and events for a webhook that is gone.
// After the erasure, and the delivery of its notice, nothing names the person
// any more: not the file of the ledger or Redis, not Caddy's storage, not the
// answers of the admin calls. The same of another person stays.
func TestErasedLeavesNoTrace(t *testing.T) {
	for name, kind := range map[string]struct{ redis bool }{"local": {}, "redis": {true}} {
		t.Run(name, func(t *testing.T) {
			var client redis.UniversalClient
			store := local(t)
			if kind.redis {
				server := redistest.Standalone(t, redistest.Options{})
				client, store = server.Client(), redisConfig(server)
			}
			crm, shop := newLetterBox(t, http.StatusGone), newLetterBox(t, http.StatusInternalServerError)
			t.Setenv("HOOK_SECRET", hookSecret)
			hook := func(name string, b *letterBox) string {
				return fmt.Sprintf(`{"name":%q,"url":%q,"secrets":["{env.HOOK_SECRET}"]}`, name, b.URL)
			}
			both := `"webhooks":[` + hook("crm", crm) + "," + hook("shop", shop) + `],`
			o := openOfficeWith(t, store, both)
			o.load(strings.Replace(o.config, `"{env.SECRET}"`, `"{env.SECRET}","name":"main","push":{"tokens":["tokenOfTheTest1"]}`, 1))
			marked := marks{
				"openid": o.sim.OpenID("ming", simApp), "unionid": o.sim.UnionID("ming", simApp),
				"nickname": "Marked-Nickname", "phone": "+86 13900139001",
			}
			other := marks{"openid": o.sim.OpenID("hong", simApp), "unionid": o.sim.UnionID("hong", simApp), "nickname": "Other-Nickname", "phone": "+86 13900139002"}
			stored := func() string {
				if kind.redis {
					return redisText(t, client)
				}
				text := boltText(t, o.stop())
				o.load(o.config)
				return text
			}

			phone, hongs := o.caller("ming"), o.caller("hong")
			ming, hong := phone.signIn(), hongs.signIn()
			o.enrich(ming, marked)
			o.enrich(hong, other)
			phone.signIn() // what is prepared for the app has the nickname now
			soon(t, "dead letters", func() bool { return get[shownWebhook](o, "/wechat/webhooks/crm").Dead == 2 })
			crm.status.Store(http.StatusInternalServerError)
			tablet := o.caller("ming")
			tablet.signIn()
			o.revoke("ming") // ends the sessions, too
			o.enrich(ming, marked)
			nextSecond()
			tablet.signIn()
			if text := o.answersText(ming, hong); len(marked.in(text)) != 4 || len(other.in(text)) != 4 {
				t.Fatalf("before, the answers have %v and %v", marked.in(text), other.in(text))
			}
			if text := stored(); len(marked.in(text)) != 4 || len(other.in(text)) != 4 {
				t.Fatalf("before, the store has %v and %v", marked.in(text), other.in(text))
			}
			tablet.signIn()
			withBoth := o.config
			o.load(strings.Replace(o.config, both, `"webhooks":[`+hook("crm", crm)+`],`, 1)) // shop is gone
			o.must("DELETE", "/wechat/persons/"+ming, "", http.StatusNoContent)
			o.load(withBoth)

			// Until it is delivered, the notice is all that is left.
			for _, hook := range []string{"crm", "shop"} {
				left := get[shownWebhook](o, "/wechat/webhooks/"+hook).Events
				var dead []struct{ ID string }
				if err := json.Unmarshal([]byte(o.must("GET", "/wechat/webhooks/"+hook+"/dead", "", http.StatusOK)), &dead); err != nil {
					t.Fatal(err)
				}
				for _, l := range dead {
					left = append(left, shownLetter{ID: l.ID})
				}
				if len(left) == 0 {
					t.Errorf("%s has no notice", hook)
				}
				for _, l := range left {
					one := get[shownLetter](o, "/wechat/webhooks/"+hook+"/letters/"+l.ID)
					body, _ := json.Marshal(one.Body)
					if found := marked.in(string(body)); (len(found) > 0) != (one.Type == "erased") || one.Type == "erased" && !slices.Equal(found, []string{"openid", "unionid"}) {
						t.Errorf("%s: %s names %v: %s", hook, one.Type, found, body)
					}
				}
			}
			crm.status.Store(http.StatusNoContent)
			shop.status.Store(http.StatusNoContent)
			for _, hook := range []string{"crm", "shop"} {
				soon(t, "the notice of "+hook, func() bool { return get[shownWebhook](o, "/wechat/webhooks/"+hook).Waiting == 0 })
			}
			if tablet.isSignedIn() || phone.isSignedIn() || !hongs.isSignedIn() {
				t.Error("the sessions are not those of the persons who are left")
			}
			if found := marked.in(o.answersText(ming, hong)); len(found) != 0 {
				t.Errorf("the answers of the admin calls name %v", found)
			}
			text := stored()
			if found := marked.in(text); len(found) != 0 {
				t.Errorf("the store names %v:\n%s", found, text)
			}
			if found := other.in(text); len(found) != 4 {
				t.Errorf("of the other person the store has only %v", found)
			}
			for _, folder := range []string{os.Getenv("XDG_DATA_HOME"), os.Getenv("XDG_CONFIG_HOME"), storageOf(t, o)} {
				if found := marked.in(filesText(t, folder)); len(found) != 0 {
					t.Errorf("files in %s name %v", folder, found)
				}
			}
		})
	}
}

// storageOf returns the folder of Caddy's storage.
func storageOf(t *testing.T, o *office) string {
	t.Helper()
	var config struct{ Storage struct{ Root string } }
	if err := json.Unmarshal([]byte(o.config), &config); err != nil || config.Storage.Root == "" {
		t.Fatal(err)
	}
	return config.Storage.Root
}
