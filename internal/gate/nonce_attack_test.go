package gate_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// signedCode is a code with a nonce.
type signedCode struct {
	Code  string `json:"code"`
	Nonce string `json:"nonce"`
}

const (
	nonceA = "a-nonce-of-the-client-0123"
	nonceB = "another-nonce-0123456789AB"
)

// body is what a login sends; no nonce is none.
func body(text, nonce string) any {
	if nonce == "" {
		return code{text}
	}
	return signedCode{text, nonce}
}

// Attack: a code that was spent, read in a log or on the way, is sent once
// more: it answers the token of its owner. Only a client that knows the nonce
// of the first request gets it, for two minutes; where there was none, anybody
// for five seconds.
func TestAttackSpentDoorCodeAnswersItsOwnerOnly(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	logins := []struct{ path, login string }{{sessionPath, miniLogin}, {exchangePath, mobileLogin}}
	for name, row := range map[string]struct {
		first, second string
		after         time.Duration
		same          bool // the token again
		asks          int  // of WeChat, in all
	}{
		"the same nonce":           {nonceA, nonceA, 0, true, 1},
		"the same nonce, later":    {nonceA, nonceA, 119 * time.Second, true, 1},
		"the same nonce, too late": {nonceA, nonceA, 121 * time.Second, false, 2},
		"another nonce":            {nonceA, nonceB, 0, false, 1},
		"another nonce, later":     {nonceA, nonceB, 119 * time.Second, false, 1},
		"none after one":           {nonceA, "", 0, false, 1},
		"one after none":           {"", nonceA, 0, false, 1},
		"none":                     {"", "", 4 * time.Second, true, 1},
		"none, too late":           {"", "", 6 * time.Second, false, 2},
	} {
		for _, door := range logins {
			for _, far := range []bool{false, true} {
				where := map[bool]string{false: "here", true: "at the other gateway"}[far]
				t.Run(name+" "+door.login+" "+where, func(t *testing.T) {
					text := c.MiniProgramCode("alice", miniApp)
					if door.login == mobileLogin {
						text = c.MobileCode("alice", mobileApp)
					}
					synctest.Test(t, func(t *testing.T) {
						one, two := fleetWith(t, c)
						if !far {
							two = one
						}
						before := c.CountCalls(door.path)
						first := one.client("alice").ask(http.MethodPost, door.login, body(text, row.first))
						if first.status != http.StatusOK {
							t.Fatalf("%d %s", first.status, first.body)
						}
						one.hub.WeChat.CloseIdle() // or time stands still
						time.Sleep(row.after)
						begun := time.Now()
						second := two.client("mallory").ask(http.MethodPost, door.login, body(text, row.second))
						if row.same && second.Token != first.Token {
							t.Errorf("%d %s", second.status, second.body)
						}
						if !row.same {
							second.refused(t, 400, "code_invalid")
						}
						if n := c.CountCalls(door.path) - before; n != row.asks {
							t.Errorf("WeChat was asked %d times, want %d", n, row.asks)
						}
						if waited := time.Since(begun); waited > time.Second {
							t.Errorf("waited %v for the claim of a sign-in that is over", waited)
						}
					})
				})
			}
		}
	}
}

// Attack: two first requests with one code and two nonces, at the same moment.
// One of them is the owner, at one gateway and at two.
func TestAttackTwoNoncesOfOneCodeHaveOneOwner(t *testing.T) {
	t.Parallel()
	one, two := fleet(t)
	for _, where := range [][2]*town{{one, one}, {one, two}} {
		text := one.weChat.MiniProgramCode("alice", miniApp)
		before := one.weChat.CountCalls(sessionPath)
		var got [8]answered
		var all sync.WaitGroup
		for i := range got {
			client, nonce := where[i%2].client("alice"), []string{nonceA, nonceB}[i%2]
			all.Go(func() { got[i] = client.ask(http.MethodPost, miniLogin, body(text, nonce)) })
		}
		all.Wait()
		winner := 0
		if got[0].status != http.StatusOK {
			winner = 1
		}
		for i, a := range got {
			if i%2 == winner && (a.status != http.StatusOK || a.Token != got[winner].Token) {
				t.Errorf("a hit of the owner: %d %s", a.status, a.body)
			}
			if i%2 != winner {
				a.refused(t, 400, "code_invalid")
			}
		}
		if n := one.weChat.CountCalls(sessionPath) - before; n != 1 {
			t.Errorf("WeChat was asked %d times", n)
		}
	}
}

// Attack: the store fails behind the exchange, and somebody else sends the code
// while what WeChat said waits for its owner: they neither get it nor take it
// away.
func TestAttackSightingOfAnOutageIsItsOwners(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, row := range map[string]struct {
		first, second string
		after         time.Duration
		kept          bool
	}{
		"with a nonce":             {nonceA, nonceB, 100 * time.Second, true},
		"none after one":           {nonceA, "", 0, true},
		"one after none":           {"", nonceB, 0, true},
		"without a nonce, later":   {"", "", 6 * time.Second, false},
		"with a nonce, much later": {nonceA, nonceB, 121 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			text := c.MiniProgramCode("alice", miniApp)
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
				store := &fullStore{Store: w.store}
				w.hub.Store = store
				before := c.CountCalls(sessionPath)
				store.full = true
				w.client("alice").ask(http.MethodPost, miniLogin, body(text, row.first)).refused(t, 503, "unavailable")
				store.full = false
				time.Sleep(row.after)
				for range 3 {
					w.client("mallory").ask(http.MethodPost, miniLogin, body(text, row.second)).refused(t, 400, "code_invalid")
				}
				got := w.client("alice").ask(http.MethodPost, miniLogin, body(text, row.first))
				if row.kept != (got.status == http.StatusOK) {
					t.Errorf("its owner: %d %s", got.status, got.body)
				}
				if n := c.CountCalls(sessionPath) - before; row.kept && n != 1 {
					t.Errorf("WeChat was asked %d times", n)
				}
			})
		})
	}
}

func TestNoncesMustBeHardToGuess(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	for name, row := range map[string]struct {
		nonce string // as JSON
		want  string
	}{
		"empty":        {`""`, "bad_nonce"},
		"short":        {`"` + strings.Repeat("a", 15) + `"`, "bad_nonce"},
		"long":         {`"` + strings.Repeat("a", 129) + `"`, "bad_nonce"},
		"blank":        {`"0123456789 0123456789"`, "bad_nonce"},
		"line break":   {`"0123456789\n0123456789"`, "bad_nonce"},
		"not ASCII":    {`"0123456789é0123456789"`, "bad_nonce"},
		"DEL":          {`"0123456789\u007f0123456789"`, "bad_nonce"},
		"a number":     {`12345678901234567890`, "bad_json"},
		"shortest":     {`"` + strings.Repeat("~", 16) + `"`, ""},
		"longest":      {`"` + strings.Repeat("!", 128) + `"`, ""},
		"null is none": {`null`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for login, text := range map[string]string{miniLogin: w.weChat.MiniProgramCode("bob", miniApp), mobileLogin: w.weChat.MobileCode("bob", mobileApp)} {
				before := w.weChat.CountCalls(sessionPath) + w.weChat.CountCalls(exchangePath)
				got := w.client("bob").ask(http.MethodPost, login, `{"code":"`+text+`","nonce":`+row.nonce+`}`)
				if got.Error != row.want || row.want == "" && got.status != http.StatusOK || row.want != "" && got.status != http.StatusBadRequest {
					t.Errorf("%s: %d %s", login, got.status, got.body)
				}
				if n := w.weChat.CountCalls(sessionPath) + w.weChat.CountCalls(exchangePath) - before; row.want != "" && n != 0 {
					t.Errorf("%s: the code was sent to WeChat", login)
				}
			}
		})
	}
}
