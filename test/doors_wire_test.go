package test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder is a transport that keeps all that the gateway answers, headers too,
// to be searched for secrets. What others answer it passes on.
type recorder struct {
	*http.Transport
	host string // the gateway's

	mu    sync.Mutex
	seen  strings.Builder
	count int
	own   []string // what clients were given: cookies, tokens, tickets of web-views
}

// maxAnswer bounds an answer of the gateway, in bytes.
const maxAnswer = 1 << 20

func newRecorder(t *testing.T, host string) *recorder {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = 500, 500 // all in one process: each costs two files
	t.Cleanup(transport.CloseIdleConnections)
	return &recorder{Transport: transport, host: host}
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.Transport.RoundTrip(request)
	if err != nil || request.URL.Host != r.host || strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return response, err
	}
	body, err := readAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	response.Body = io.NopCloser(strings.NewReader(body))
	var headers bytes.Buffer
	_ = response.Header.Write(&headers) // into memory
	for _, cookie := range response.Cookies() {
		r.gave(cookie.Value)
	}
	r.keep(request.Method + " " + request.URL.Path + " " + response.Status + "\n" + headers.String() + "\n" + body + "\n")
	return response, nil
}

// keep keeps what was seen in another way.
func (r *recorder) keep(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.WriteString(text)
	r.count++
	for _, given := range givenInJSON.FindAllStringSubmatch(text, -1) {
		r.own = append(r.own, given[1])
	}
}

// givenInJSON finds tokens and tickets in an answer, also within a JSON text of
// one.
var givenInJSON = regexp.MustCompile(`\\?"(?:token|ticket)\\?":\\?"([^"\\]+)`)

func (r *recorder) gave(value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = append(r.own, value)
}

// given is what clients hold, which no log may.
func (r *recorder) given() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.own)
}

func (r *recorder) all() (text string, answers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen.String(), r.count
}

func readAll(from io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxAnswer))
	return string(b), err
}

// secretIndex finds many secrets in a long text at once.
type secretIndex map[string][]string

// indexed is how many bytes of a secret are looked up; shorter ones are none.
const indexed = 16

func newSecretIndex(secrets []string) secretIndex {
	index := secretIndex{}
	for _, secret := range secrets {
		if len(secret) >= indexed {
			index[secret[:indexed]] = append(index[secret[:indexed]], secret)
		}
	}
	return index
}

// in returns what stands around each secret in text.
func (s secretIndex) in(text string) (found []string) {
	for i := range max(0, len(text)-indexed+1) {
		for _, secret := range s[text[i:i+indexed]] {
			if strings.HasPrefix(text[i:], secret) {
				found = append(found, fmt.Sprintf("%q", text[max(0, i-120):i+8]+"…"))
			}
		}
	}
	return found
}

func TestSecretIndexFinds(t *testing.T) {
	secrets := newSecretIndex([]string{"0123456789abcdefXYZ", "0123456789abcdefUVW", "short"})
	for text, want := range map[string]int{
		"": 0, "0123456789abcdef": 0, "0123456789abcdefXYZ": 1, "a 0123456789abcdefUVW, 0123456789abcdefXYZ": 2, "short": 0,
	} {
		if got := secrets.in(text); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
