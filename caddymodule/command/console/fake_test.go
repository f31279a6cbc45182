package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/caddymodule/command/console"
)

// fakeGateway is an admin endpoint that answers as docs/admin.md says, from a
// table. It records what it was asked.
type fakeGateway struct {
	mu      sync.Mutex
	answers map[string]fakeAnswer // by method and path, with the query
	asked   []string
	down    error // if it cannot be reached
}

// fakeAnswer is a status and a body.
type fakeAnswer struct {
	status int
	body   string
}

// refusing is an answer other than success.
func refusing(status int, word, message string) fakeAnswer {
	body, _ := json.Marshal(map[string]any{"code": status, "error": word, "message": message}) // cannot fail
	return fakeAnswer{status, string(body)}
}

// Call implements console.Admin.
func (f *fakeGateway) Call(_ context.Context, method, path string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, method+" "+path)
	if f.down != nil {
		return nil, f.down
	}
	a, ok := f.answers[method+" "+path]
	if !ok {
		a = refusing(http.StatusNotFound, "unknown_call", "there is no such call")
	}
	if a.status < 300 {
		return []byte(a.body), nil
	}
	r := &console.Refusal{Status: a.status, Body: []byte(a.body)}
	var said struct{ Error, Message string }
	if json.Unmarshal(r.Body, &said) == nil {
		r.Word, r.Message = said.Error, said.Message
	}
	return nil, r
}

// answer sets what a call is answered.
func (f *fakeGateway) answer(call string, status int, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[call] = fakeAnswer{status, body}
}

// refuse sets with what a call is refused.
func (f *fakeGateway) refuse(call string, status int, word, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[call] = refusing(status, word, message)
}

// changes returns the calls that are no GET, and forgets all.
func (f *fakeGateway) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.DeleteFunc(f.asked, func(call string) bool { return strings.HasPrefix(call, "GET ") })
	f.asked = nil
	return all
}

const (
	ming   = "ab2cd3ef4gh5ij6kl7mnopqrst"
	hong   = "hq2cd3ef4gh5ij6kl7mnopqrs7"
	openID = "oABCDEFGHIJKLMNOPQRSTUVWXYZ1"
	letter = "k7q2n5x4v6m3b2c7j5h4g6f3da"
	oneSID = "k3JxY_2-bQ9cLm0PzRt"
)

// newFakeGateway returns a gateway with two persons, a webhook, and a busy day
// behind it.
func newFakeGateway() *fakeGateway {
	now := time.Now()
	at := func(ago time.Duration) string { return now.Add(-ago).UTC().Format(time.RFC3339) }
	summary := func(id string, banned bool) string {
		return fmt.Sprintf(`{"id":%q,"app_ids":["wx1234567890abcdef"],"first_seen":%q,"last_seen":%q,"banned":%t}`, id, at(900*time.Hour), at(7*time.Minute), banned)
	}
	f := &fakeGateway{answers: map[string]fakeAnswer{}}
	for call, body := range map[string]string{
		"GET /wechat/ready": fmt.Sprintf(`{"ready":true,"parts":{"store":{"state":"ok","since":%[1]q},"keys":{"state":"ok","since":%[1]q},"ledger":{"state":"ok","since":%[1]q}},
			"wechat":{"state":"ok","call":"sns/oauth2/access_token","at":%[2]q},"store":{"kind":"redis","persistence":"disk"},"warnings":[]}`, at(50*time.Hour), at(20*time.Second)),
		"GET /wechat/status":                                   fmt.Sprintf(`{"version":"v1.0.0","caddy":"v2.11.9","started":%q,"persons":128412,"accounts":[{"name":"main"},{"name":"mini"}],"sites":[{"origin":"https://shop.example.com"},{"origin":"https://m.example.com"}]}`, at(20*time.Hour)),
		"GET /wechat/webhooks":                                 `[{"name":"crm","waiting":3,"dead":1},{"name":"points","waiting":0,"dead":0}]`,
		"GET /wechat/history":                                  busyDay(now),
		"GET /wechat/persons?limit=50":                         `{"persons":[` + summary(ming, false) + `,` + summary(hong, true) + `],"next":"c2"}`,
		"GET /wechat/persons?after=c2&limit=50":                `{"persons":[` + summary(hong, true) + `],"next":""}`,
		"GET /wechat/persons/count":                            `{"persons":128412}`,
		"GET /wechat/persons?id=" + ming:                       `[` + summary(ming, false) + `]`,
		"GET /wechat/persons?id=" + hong:                       `[` + summary(hong, true) + `]`,
		"GET /wechat/persons?openid=" + openID:                 `[` + summary(ming, false) + `]`,
		"GET /wechat/persons?nickname=" + url.QueryEscape("小"): `[` + summary(ming, false) + `,` + summary(hong, true) + `]`,
		"GET /wechat/persons/" + ming: fmt.Sprintf(`{"id":%q,"unionid":"uABCDEFGHIJKLMNOPQRSTUVWXYZ1","accounts":[{"app_id":"wx1234567890abcdef","openid":%q,"consent_at":%[3]q,"follow":"yes","first_seen":%[3]q,"last_seen":%[4]q}],
			"nickname":"小明 Ming","avatar":"https://thirdwx.qlogo.cn/mmopen/vi_32/Q0j4TwGTfTK/132","profile_at":%[3]q,"first_seen":%[3]q,"last_seen":%[4]q}`, ming, openID, at(900*time.Hour), at(7*time.Minute)),
		"GET /wechat/persons/" + hong: fmt.Sprintf(`{"id":%q,"accounts":[],"first_seen":%[2]q,"last_seen":%[2]q}`, hong, at(time.Hour)),
		"GET /wechat/sessions?person=" + ming: fmt.Sprintf(`[{"id":%q,"site":"https://shop.example.com","app_id":"wx1234567890abcdef","scope":"snsapi_userinfo","created":%[2]q,"renewed":%[3]q,"expires":%[4]q},
			{"id":"another_session-id2","site":"https://m.example.com","app_id":"wx1234567890abcdef","scope":"mini_program","created":%[2]q,"renewed":%[3]q,"expires":%[4]q}]`, oneSID, at(30*time.Hour), at(7*time.Minute), at(-160*time.Hour)),
		"GET /wechat/sessions?person=" + hong:                        `[]`,
		"DELETE /wechat/sessions?person=" + ming:                     `{"ended":2}`,
		"DELETE /wechat/sessions/" + oneSID + "?person=" + ming:      ``,
		"POST /wechat/persons/" + ming + "/ban":                      ``,
		"POST /wechat/persons/" + ming + "/ban?reason=spam+%26+more": ``,
		"DELETE /wechat/persons/" + hong + "/ban":                    ``,
		"DELETE /wechat/persons/" + ming:                             ``,
		"GET /wechat/bans":                                           fmt.Sprintf(`{"bans":[{"person":%q,"at":%q}],"erased":2}`, hong, at(40*time.Hour)),
		"DELETE /wechat/bans?id=" + openID:                           ``,
		"DELETE /wechat/sessions?everyone=true":                      `{"ended":null}`,
		"GET /wechat/keys":                                           fmt.Sprintf(`{"generated":true,"keys":[{"id":"1f2e3d4c","created":%[1]q,"seals":%[2]q,"state":"next"},{"id":"9a8b7c6d","created":%[3]q,"seals":%[3]q,"state":"current"},{"id":"00aa11bb","created":%[4]q,"seals":%[4]q,"state":"old"}]}`, at(5*time.Minute), at(-10*time.Minute), at(400*time.Hour), at(1100*time.Hour)),
		"POST /wechat/keys/rotate":                                   fmt.Sprintf(`{"key":"5e6f7a8b","seals":%q,"retired":0}`, at(-15*time.Minute)),
		"POST /wechat/keys/rotate?retire_now=true":                   fmt.Sprintf(`{"key":"5e6f7a8b","seals":%q,"retired":3}`, at(0)),
		"GET /wechat/webhooks/crm":                                   fmt.Sprintf(`{"name":"crm","host":"crm.internal","waiting":3,"dead":1,"oldest":%q,"next_try":%q,"last_error":"answered 503","events":[{"id":"w7q2n5x4v6m3b2c7j5h4g6f3da","type":"signed_in","attempts":2,"next_try":%[2]q,"last_error":"answered 503"}]}`, at(18*time.Minute), at(-40*time.Second)),
		"GET /wechat/webhooks/crm/dead":                              fmt.Sprintf(`[{"id":%q,"type":"revoked","user":%q,"at":%q,"attempts":24,"reason":"answered 500"}]`, letter, ming, at(75*time.Hour)),
		"GET /wechat/webhooks/crm/letters/" + letter:                 fmt.Sprintf(`{"id":%q,"type":"revoked","attempts":24,"at":%q,"dead":true,"last_error":"answered 500","body":{"type":"revoked","version":1,"data":{"user":%q,"reason":"201"}}}`, letter, at(75*time.Hour), ming),
		"POST /wechat/webhooks/crm/redeliver?id=" + letter:           `{"redelivered":1}`,
		"POST /wechat/webhooks/crm/redeliver":                        `{"redelivered":7}`,
		"DELETE /wechat/webhooks/crm/dead?id=" + letter:              `{"purged":1}`,
		"DELETE /wechat/webhooks/crm/dead":                           `{"purged":7}`,
		"POST /wechat/webhooks/crm/test":                             `{"status":204,"milliseconds":12}`,
		"GET /wechat/pushes":                                         fmt.Sprintf(`[{"account":"main","path":"/_wechat/push/main","results":{"received":214,"verified":1,"acted":38,"nobody":161,"repeated":15,"refused":2,"lost":0},"waiting":0,"last_push":%q,"last_verified":%q},{"account":"mini","path":"/_wechat/push/mini","results":{"received":0},"waiting":0,"last_push":null,"last_verified":null}]`, at(3*time.Minute), at(900*time.Hour)),
	} {
		f.answers[call] = fakeAnswer{http.StatusOK, body}
	}
	return f
}

// busyDay is a history of 20 hours.
func busyDay(now time.Time) string {
	since := now.Add(-20 * time.Hour).Truncate(5 * time.Minute)
	var buckets []string
	for i := range 20*12 + 1 {
		from := since.Add(time.Duration(i) * 5 * time.Minute)
		n := 20 + (i*i)%13 + 40*min(i%144, 144-i%144)/72
		errors, latency := "", ""
		if i > 150 && i < 160 {
			errors = fmt.Sprintf(`,"unreachable":%d`, i-148)
		}
		if i%17 == 0 {
			errors += `,"40163":2,"40029":1`
		}
		if i < 100 || i > 110 {
			latency = fmt.Sprintf(`,"latency":{"calls":%d,"p50_ms":%d,"p95_ms":%d}`, 2*n, 55+i%9, 140+(i*7)%60+max(0, 300-20*(i-150)*(i-150)))
		}
		buckets = append(buckets, fmt.Sprintf(`{"from":%q,"started":%d,"finished":{"signed_in":%d,"declined":%d,"wechat_error":%d},"errcodes":{"0":%d%s}%s}`,
			from.UTC().Format(time.RFC3339), n+2, n-i%5, i%5, max(0, 8-(i-154)*(i-154)), 2*n, errors, latency))
	}
	return fmt.Sprintf(`{"since":%q,"step_seconds":300,"buckets":[%s]}`, since.UTC().Format(time.RFC3339), strings.Join(buckets, ","))
}
