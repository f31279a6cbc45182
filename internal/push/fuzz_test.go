package push

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Whatever a stranger sends: no panic, no effect, no relay, nothing in the
// answer.
func FuzzServe(f *testing.F) {
	p := signed("stranger", revokeOf("oPerson1").xml(), time.Now())
	f.Add("POST", p.query.Encode(), p.body)
	p = sealed(f, "stranger", testAES, revokeOf("oPerson1").json(), nil, fields.json, time.Now())
	f.Add("POST", p.query.Encode(), p.body)
	f.Add("GET", "signature=a&timestamp=1714036504&nonce=1&echostr=<script>", "")
	f.Add("PUT", "%zz", "<!DOCTYPE a>")
	fuzzed := map[bool]*Account{}
	for _, aes := range []bool{true, false} {
		a := &Account{Name: "main", Keys: wechat.PushKeys{Tokens: secrets(testToken), AppID: testAppID}}
		if aes {
			a.Keys.AESKeys = secrets(testAES)
		}
		fuzzed[aes] = a
	}
	f.Fuzz(func(t *testing.T, method, query, body string) {
		if method != http.MethodGet && method != http.MethodPost {
			method = http.MethodPut
		}
		for _, a := range fuzzed {
			l := &stub{do: func(int, context.Context, ledger.Withdrawal) (bool, error) { return true, nil }}
			h := &Handler{Accounts: map[string]*Account{"main": a}, Ledger: l}
			r := httptest.NewRequest(method, "/_wechat/push/main", strings.NewReader(body))
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			h.Serve(w, r, "main")
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if w.Code < 400 || w.Body.Len() != 0 || l.calls != 0 {
				t.Errorf("%d %q, %d withdrawals", w.Code, w.Body, l.calls)
			}
		}
	})
}
