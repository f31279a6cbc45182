package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// trial sends a test event to an address.
func trial(t *testing.T, address string) (Trial, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	s := &Sender{Outbox: &box{}, Target: "crm", URL: u, Secrets: []wechat.Secret{testSecret}, Logger: slog.New(slog.DiscardHandler)}
	return s.Test(t.Context())
}

// A test event is signed as any other, fits the schema, and its answer is
// reported without a word of the receiver.
func TestTrial(t *testing.T) {
	t.Parallel()
	rules := readSchema(t)
	key, err := secretKey(testSecret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		status int
		want   string
	}{
		"accepted":   {204, ""},
		"refused":    {500, "answered 500"},
		"gone":       {410, "answered 410"},
		"redirected": {307, "answered 307; redirects are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			strayed := serve(t, false, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
			server := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				var v map[string]any
				if err := json.Unmarshal(body, &v); err != nil || v["type"] != "test" || v["id"] != r.Header.Get(headerID) {
					t.Errorf("sent %s, %v", body, err)
				}
				if fault := rules.check(map[string]any(rules), v, "body"); fault != "" {
					t.Errorf("%s\n%s", fault, body)
				}
				want := http.Header{}
				stamp, err := time.Parse(time.RFC3339, v["timestamp"].(string))
				if err != nil || time.Since(stamp).Abs() > time.Minute {
					t.Errorf("at %v, %v", stamp, err)
				}
				for at := stamp.Add(-2 * time.Second); at.Before(stamp.Add(3 * time.Second)); at = at.Add(time.Second) {
					if sign(want, [][]byte{key}, v["id"].(string), at, body); want.Get(headerSignature) == r.Header.Get(headerSignature) {
						break
					}
				}
				if want.Get(headerSignature) != r.Header.Get(headerSignature) {
					t.Error("the signature is wrong")
				}
				w.Header().Set("Location", strayed.URL)
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, "secret words")
			})
			got, err := trial(t, server.URL)
			if err != nil || got.Status != row.status || got.Failure != row.want || got.Took <= 0 {
				t.Errorf("%+v, %v; want %d %q", got, err, row.status, row.want)
			}
		})
	}
}

// What cannot be reached, or must not be, is said in a few words.
func TestTrialWithoutAnswer(t *testing.T) {
	t.Parallel()
	closed := serve(t, false, nil)
	closed.Close()
	for name, row := range map[string]struct{ address, want string }{
		"connection refused":        {closed.URL, "connection refused"},
		"http to the internet":      {"http://192.0.2.1/", errPublic.Error()},
		"a certificate of nobody's": {serve(t, true, func(http.ResponseWriter, *http.Request) {}).URL, "its certificate is from an unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := trial(t, row.address); err != nil || got.Status != 0 || got.Failure != row.want {
				t.Errorf("%+v, %v; want %q", got, err, row.want)
			}
		})
	}
	if _, err := (&Sender{}).Test(t.Context()); err == nil {
		t.Error("a sender without an address sent something")
	}
}

// A receiver that never answers holds the operator up for 15 s, and no longer.
func TestTrialIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSender(&box{}, newReceiver(t, accept), "a")
		s.transport = silent{}
		began := time.Now()
		got, err := s.Test(t.Context())
		if took := time.Since(began); err != nil || got.Failure != "no answer in time" || got.Status != 0 || took != timeout {
			t.Errorf("%+v after %v, %v", got, took, err)
		}
	})
}

// silent is a receiver that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// The body of an event can be shown as it is sent.
func TestBodyIsWhatIsSent(t *testing.T) {
	t.Parallel()
	e := everyKind()["revoked"]
	var sent bytes.Buffer
	server := serve(t, false, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(&sent, r.Body) })
	s, b, _ := once(t, server.URL, func(s *Sender) {
		s.Accounts = testAccounts
		box := s.Outbox.(*box)
		box.waiting = nil
		box.put(e)
	})
	shown, err := s.Body(&e)
	if err != nil || sent.String() != string(shown) || strings.Contains(string(shown), "whsec_") || len(b.notes()) != 1 {
		t.Errorf("sent %s\nshown %s, %v", sent.String(), shown, err)
	}
}
