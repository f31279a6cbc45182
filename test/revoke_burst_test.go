package test

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const burstAtOnce = 200

// pushBody is a push of the account, encrypted, and the query it comes with.
func pushBody(at time.Time, message string) (query, body string) {
	return pushBodyFor(appID, at, message)
}

// pushBodyFor is a push with another app id inside the envelope.
func pushBodyFor(app string, at time.Time, message string) (query, body string) {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), strconv.FormatUint(rand.Uint64(), 36)
	sealed := sealReply(app, message)
	query = url.Values{
		"signature": {signature(stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce},
		"encrypt_type": {"aes"}, "msg_signature": {signature(stamp, nonce, sealed)},
	}.Encode()
	return query, "<xml><ToUserName>gh_0123456789ab</ToUserName><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>"
}

// revocation is what WeChat says of a person who withdraws nickname and avatar.
func revocation(openID string, at time.Time) string {
	return fmt.Sprintf("<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>oPlatform</FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType>event</MsgType><Event>user_authorization_revoke</Event><OpenID>%s</OpenID><AppID>%s</AppID><RevokeInfo>205</RevokeInfo></xml>", at.Unix(), openID, appID)
}

// A burst of pushes, each of them five times: each is acted on once, and none
// is answered later than WeChat waits, where that is measured.
func TestBurstOfPushes(t *testing.T) {
	w := newWorld(t)
	crm := newBusiness(t)
	admin := "127.0.0.1:" + freePort(t)
	w.load(w.caddyfile(options{admin: admin, account: pushAccount, global: webhookTo(crm.URL)}))
	populate(t, admin, burstPeople)
	before, at := pushCounts(t, admin), time.Now()
	took := burst(t, w.site, at)
	slowest := took[len(took)-1]
	t.Logf("%d pushes, %d at a time, in %v; median %v, slowest %v", len(took), burstAtOnce, time.Since(at).Round(time.Millisecond), took[len(took)/2], slowest)
	if len(took) != burstPeople*burstCopies || burstIsMeasured && slowest >= 5*time.Second {
		t.Errorf("%d were answered, the slowest after %v", len(took), slowest)
	}
	after := pushCounts(t, admin)
	for result, want := range map[string]int{"received": burstPeople * burstCopies, "acted": burstPeople, "repeated": burstPeople * (burstCopies - 1), "late": 0, "lost": 0, "full": 0, "refused": 0} {
		if result == "late" && !burstIsMeasured {
			continue
		}
		if n := after[result] - before[result]; n != want {
			t.Errorf("%d were %s, want %d", n, result, want)
		}
	}
	soon(t, "every webhook has come", time.Minute, func() bool { return len(crm.heard("revoked")) >= burstPeople })
	t.Logf("the business system has heard of all after %v", time.Since(at).Round(time.Millisecond))
	time.Sleep(300 * time.Millisecond) // for one too many
	people, ids := map[string]int{}, map[string]int{}
	for _, n := range crm.heard("revoked") {
		people[n.Data.User]++
		ids[n.ID]++
	}
	if len(people) != burstPeople || len(ids) != burstPeople || len(crm.heard()) != burstPeople {
		t.Errorf("%d webhooks, %d ids, %d people; want %d of each", len(crm.heard()), len(ids), len(people), burstPeople)
	}
	if _, ledger := outside(t, http.MethodGet, "http://"+admin+"/wechat/ledger", ""); strings.Contains(ledger, "nickname") || strings.Count(ledger, `"openid"`) != burstPeople {
		t.Errorf("nicknames are left, or people are missing")
	}
}

// burst pushes the revocation of each of the people several times, in no order,
// and returns how long the answers took, the quickest first.
func burst(t *testing.T, site string, at time.Time) []time.Duration {
	t.Helper()
	var work []int
	for i := range burstPeople {
		work = append(work, slices.Repeat([]int{i}, burstCopies)...)
	}
	rand.Shuffle(len(work), func(i, j int) { work[i], work[j] = work[j], work[i] })
	queue, took := make(chan int, len(work)), make([]time.Duration, 0, len(work))
	for _, i := range work {
		queue <- i
	}
	close(queue)
	var mu sync.Mutex
	var senders sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: burstAtOnce}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	for range burstAtOnce {
		senders.Go(func() {
			for i := range queue {
				d, err := pushOnce(t.Context(), client, site, at, i)
				mu.Lock()
				if took = append(took, d); err != nil {
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	slices.Sort(took)
	return took
}

// pushOnce pushes the revocation of one of the people.
func pushOnce(ctx context.Context, client *http.Client, site string, at time.Time, i int) (time.Duration, error) {
	query, body := pushBody(time.Now(), revocation(burstOpenID(i), at))
	began := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, site+"/_wechat/push/default?"+query, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	response, err := client.Do(r)
	if err != nil {
		return time.Since(began), err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || string(answer) != "success") {
		err = fmt.Errorf("%s %q", response.Status, answer)
	}
	return time.Since(began), err
}

// pushCounts reads the metrics of the account. They go on through all tests of
// this process.
func pushCounts(t *testing.T, admin string) map[string]int {
	t.Helper()
	_, metrics := outside(t, http.MethodGet, "http://"+admin+"/metrics", "")
	counts := map[string]int{}
	for _, m := range regexp.MustCompile(`caddy_wechat_pushes_total\{account="default",result="(\w+)"\} (\S+)`).FindAllStringSubmatch(metrics, -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		counts[m[1]] = int(n)
	}
	if len(counts) == 0 {
		t.Fatalf("no counts of pushes in:\n%s", metrics)
	}
	return counts
}

func burstOpenID(i int) string { return fmt.Sprintf("oBurst%022d", i) }

// populate fills the ledger with people, as an import does.
func populate(t *testing.T, admin string, people int) {
	t.Helper()
	const header = `{"format":"wechat-ledger","version":2}` + "\n"
	var lines strings.Builder
	for i := range people {
		id := strings.ToLower(base32.StdEncoding.EncodeToString(fmt.Appendf(nil, "person %09d", i))[:26])
		fmt.Fprintf(&lines, `{"id":%q,"accounts":[{"app_id":%q,"openid":%q,"consent_at":"2026-03-01T10:00:00Z","first_seen":"2026-03-01T10:00:00Z","last_seen":"2026-03-01T10:00:00Z"}],"nickname":"somebody","profile_at":"2026-03-01T10:00:00Z","first_seen":"2026-03-01T10:00:00Z","last_seen":"2026-03-01T10:00:00Z","version":1,"order":%d}`+"\n",
			id, appID, burstOpenID(i), i+1)
		if (i+1)%900 == 0 || i == people-1 {
			if status, text := outside(t, http.MethodPost, "http://"+admin+"/wechat/ledger", header+lines.String()); status != http.StatusOK {
				t.Fatalf("import: %d %s", status, text)
			}
			lines.Reset()
		}
	}
}
