//go:build before

package test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestMakeBefore makes the data in testdata/before anew. Those that are there
// were made by the gateway of fd7b698, with
//
//	git worktree add /tmp/before fd7b698
//	(cd /tmp/before && go build -o /tmp/before-gateway ./cmd/wechat-gateway)
//	BEFORE_GATEWAY=/tmp/before-gateway go test -tags before -count=1 -run TestMakeBefore ./test
//
// and the JSON with
//
//	cd test && BEFORE_STORE="local {env.BEFORE_FOLDER}" /tmp/before-gateway adapt --pretty \
//		--config testdata/before/every_option.Caddyfile >testdata/before/every_option.json
func TestMakeBefore(t *testing.T) {
	binary := os.Getenv("BEFORE_GATEWAY")
	if binary == "" {
		t.Fatal("BEFORE_GATEWAY names no binary")
	}
	for _, store := range []string{"local", "redis"} {
		t.Run(store, func(t *testing.T) {
			b := newBeforeWorld(t, store)
			run, err := start(exec.Command(binary, "run", "--config", beforeFolder+"shop.Caddyfile"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(run.stop)
			phone := b.customer("ming")
			if err := run.until(time.Minute, func() bool {
				response, err := phone.client.Get(beforeSite + "/_wechat/session")
				return err == nil && response.Body.Close() == nil
			}); err != nil {
				t.Fatal(err)
			}
			visitors, err := json.MarshalIndent(b.signInAll(phone), "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			run.stop()
			write(t, b.file("visitors.json"), append(visitors, '\n'))
			if b.redis != nil {
				write(t, b.file("redis.txt"), []byte(dump(t, b.redis)))
				return
			}
			write(t, b.file("session_keys.json"), []byte(read(t, b.keyPath())))
			write(t, b.file("ledger.db.gz"), zipped(t, read(t, b.folder+"/ledger/ledger.db")))
		})
	}
}

// signInAll signs one person in with a browser and a mini program.
func (b *beforeWorld) signInAll(phone *visitor) []beforeVisitor {
	b.t.Helper()
	if a := phone.signIn(beforeSite + "/page"); a.StatusCode != http.StatusOK {
		b.t.Fatalf("the browser: %s %s", a.Status, a.body)
	}
	b.app.take()
	cookie := beforeVisitor{Name: "cookie", AppID: appID, Value: phone.cookie(beforeSite, "__Host-wechat")}
	token := beforeVisitor{Name: "token", AppID: miniAppID}
	post := func(path, code string) answer {
		a := phone.send(http.MethodPost, beforeSite+path, `{"code":"`+code+`"}`, http.Header{
			"Content-Type": {"application/json"}, "Authorization": {"Bearer " + tokenPrefix + token.Value},
		})
		if a.StatusCode != http.StatusOK {
			b.t.Fatalf("%s: %s %s", path, a.Status, a.body)
		}
		return a
	}
	var login struct{ Token string }
	if err := json.Unmarshal([]byte(post(miniLoginPath, b.wechat.MiniProgramCode("ming", miniAppID)).body), &login); err != nil {
		b.t.Fatal(err)
	}
	token.Value = strings.TrimPrefix(login.Token, tokenPrefix)
	post(miniPhonePath, b.wechat.PhoneCode("ming", miniAppID))
	for _, v := range []*beforeVisitor{&cookie, &token} {
		if a := b.asks(v.Name, v.Value); a.StatusCode != http.StatusOK {
			b.t.Fatalf("the %s: %s %s", v.Name, a.Status, a.body)
		}
		v.Told = identity(b.t, b.app.one(b.t))
	}
	return []beforeVisitor{cookie, token}
}

// dump returns the commands that make a Redis what it is, but for what ends
// within a day.
func dump(t *testing.T, client *redis.Client) string {
	t.Helper()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	var out strings.Builder
	for _, key := range keys {
		left := client.PTTL(t.Context(), key).Val()
		if left > 0 && left < 24*time.Hour {
			continue
		}
		command := []string{"", key}
		switch kind := client.Type(t.Context(), key).Val(); kind {
		case "string":
			command = []string{"SET", key, client.Get(t.Context(), key).Val()}
		case "hash":
			command[0] = "HSET"
			hash := client.HGetAll(t.Context(), key).Val()
			for _, field := range slices.Sorted(maps.Keys(hash)) {
				command = append(command, field, hash[field])
			}
		case "zset":
			command[0] = "ZADD"
			for _, z := range client.ZRangeWithScores(t.Context(), key, 0, -1).Val() {
				command = append(command, strconv.FormatFloat(z.Score, 'f', -1, 64), z.Member.(string))
			}
		default:
			t.Fatalf("%s is a %s", key, kind)
		}
		line(&out, command)
		if left > 0 {
			line(&out, []string{"PEXPIRE", key, strconv.FormatInt(left.Milliseconds(), 10)})
		}
	}
	return out.String()
}

// line writes quoted words.
func line(out *strings.Builder, words []string) {
	for i, word := range words {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(strconv.QuoteToASCII(word))
	}
	out.WriteByte('\n')
}

func zipped(t *testing.T, data string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
