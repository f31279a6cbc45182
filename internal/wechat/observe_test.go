package wechat

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"
)

// observed is what Observe was told of one request.
type observed struct {
	Request
	Result string
}

// watched returns a client that speaks to handler, and what it observes.
func watched(t *testing.T, handler http.HandlerFunc) (*Client, func() []observed) {
	t.Helper()
	c := newClient(t, handler)
	all := make(chan observed, 16)
	c.Observe = func(ctx context.Context, r Request) (context.Context, func(string)) {
		return ctx, func(result string) { all <- observed{r, result} }
	}
	return c, func() (list []observed) {
		for len(all) > 0 {
			list = append(list, <-all)
		}
		return list
	}
}

// Every call is observed with its name and the app id of its account, and every
// name is in the list of some kind of account.
func TestObserveNamesEveryCall(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, kind := range AccountKinds() {
		listed = append(listed, kind.Endpoints()...)
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, seen := watched(t, answer(`{"errcode":45009,"errmsg":"x"}`))
			_ = call(t, c)
			got := seen()
			if len(got) != 1 || got[0].Endpoint != name || got[0].Result != "45009" {
				t.Fatalf("observed %+v", got)
			}
			if id := got[0].AppID; id != testAppID && (id != "" || name == "exchange" || name == "login" || name == "token" || name == "refresh" || name == "phone") {
				t.Errorf("app id %q", id)
			}
			if !slices.Contains(listed, name) {
				t.Errorf("%s is in no list of endpoints", name)
			}
		})
	}
}

// Calls with an account's own token are of that account.
func TestObserveNamesTheAccountOfItsToken(t *testing.T) {
	t.Parallel()
	c, seen := watched(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == stableToken.path {
			answer(`{"access_token":"ACCESS","expires_in":7200}`)(w, r)
			return
		}
		answer(`{"openid":"`+testOpenID+`","subscribe":1,"ticket":"TICKET","expires_in":7200}`)(w, r)
	})
	g := &GlobalToken{Client: c, Credentials: testCred}
	t.Cleanup(g.Close)
	if _, err := g.Follower(t.Context(), testOpenID); err != nil {
		t.Fatal(err)
	}
	if _, err := g.SignJSSDK(t.Context(), "https://shop.example.com/"); err != nil {
		t.Fatal(err)
	}
	for _, o := range seen() {
		if o.AppID != testAppID || o.Result != "0" {
			t.Errorf("%+v", o)
		}
	}
}

func TestObserveResults(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"success":          {answer(`{"openid":"` + testOpenID + `","access_token":"A","refresh_token":"R"}`), "0"},
		"known code":       {answer(`{"errcode":40163,"errmsg":"code been used"}`), "40163"},
		"text as code":     {answer(`{"errcode":"40029"}`), "40029"},
		"unknown code":     {answer(`{"errcode":4242}`), "other"},
		"negative unknown": {answer(`{"errcode":-2147483648}`), "other"},
		"no number":        {answer(`{"errcode":"40163\nx"}`), "invalid"},
		"not JSON":         {answer(`<html>`), "invalid"},
		"status":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "http_error"},
		"cut off":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "invalid"},
		"timeout":          {hang, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, seen := watched(t, c.handler)
			if c.want == "timeout" {
				client.Timeout = 500 * time.Millisecond
			}
			_, _ = client.Exchange(t.Context(), testCred, testCode)
			if got := seen(); len(got) != 1 || got[0].Result != c.want {
				t.Errorf("%+v, want %q", got, c.want)
			} else if !slices.Contains(Results(), got[0].Result) {
				t.Errorf("%q is not in the list", got[0].Result)
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		client, seen := watched(t, nil)
		client.APIURL = "http://127.0.0.1:1"
		_, _ = client.Exchange(t.Context(), testCred, testCode)
		if got := seen(); len(got) != 1 || got[0].Result != "unreachable" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		client, seen := watched(t, hang)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		_, _ = client.Exchange(ctx, testCred, testCode)
		if got := seen(); len(got) != 1 || got[0].Result != "canceled" {
			t.Errorf("%+v", got)
		}
	})
}

// Each repetition is a request, and what is not sent is none.
func TestObserveCountsRequests(t *testing.T) {
	t.Parallel()
	c, seen := watched(t, answer(`{"errcode":-1}`))
	_, _ = c.Exchange(t.Context(), testCred, testCode)
	if got := seen(); len(got) != 3 || got[2].Result != "-1" {
		t.Errorf("busy: %+v", got)
	}
	_, _ = c.Exchange(t.Context(), testCred, "")
	if got := seen(); len(got) != 0 {
		t.Errorf("without a code: %+v", got)
	}
}

// The results are those of the table, and no code stands in it twice.
func TestResultsAreTheTable(t *testing.T) {
	t.Parallel()
	all := Results()
	if len(all) != 1+len(errcodes)+6 {
		t.Errorf("%d results of %d codes", len(all), len(errcodes))
	}
	for code := range errcodes {
		if !slices.Contains(all, strconv.Itoa(code)) {
			t.Errorf("%d is missing", code)
		}
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 1+len(errcodes)+6 {
		t.Errorf("only %d are different", n)
	}
}

// The context that Observe returns is the request's.
func TestObserveGivesTheContext(t *testing.T) {
	t.Parallel()
	c := newClient(t, answer(`{"errcode":40029}`))
	c.Observe = func(ctx context.Context, _ Request) (context.Context, func(string)) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		return gone, func(string) {}
	}
	if _, err := c.Exchange(t.Context(), testCred, testCode); err == nil || resultOf(err) != resultCanceled {
		t.Errorf("%v", err)
	}
}
