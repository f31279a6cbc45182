package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// forms returns everything that could be printed of err and what it wraps.
func forms(err error) string {
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", err)
	}
	encoded, _ := json.Marshal(err)
	out.Write(encoded)
	slog.New(slog.NewJSONHandler(&out, nil)).Error("m", "err", err)
	slog.New(slog.NewTextHandler(&out, nil)).Error("m", "err", err)
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapper.Unwrap(); inner != nil {
			out.WriteString(forms(inner))
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			out.WriteString(forms(inner))
		}
	}
	return out.String()
}

// echo returns a handler that answers with format, in which %s is a secret of
// the request; one answer for each secret and each way to write it would be
// many, so all of them come in one.
func echo(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var all []string
		sent := r.URL.Query()
		body, _ := io.ReadAll(r.Body)
		var message map[string]any
		_ = json.Unmarshal(body, &message)
		for name, value := range message {
			if text, ok := value.(string); ok && len(text) > 7 {
				sent.Set(name, text)
			}
		}
		for _, values := range sent {
			if len(values[0]) < 8 {
				continue // "jsapi" is no secret
			}
			all = append(all, values[0], url.QueryEscape(values[0]), "torn:"+values[0][:7]+"\x07"+values[0][7:], "part:"+values[0][3:])
		}
		text, _ := json.Marshal(strings.Join(all, " ") + " " + r.RequestURI + " " + string(body))
		text = bytes.ReplaceAll(text, []byte(`\u0007`), []byte("\x07"))
		_, _ = io.WriteString(w, fmt.Sprintf(format, strings.Trim(string(text), `"`)))
	}
}

// raw returns a handler that writes format to the connection and closes it.
func raw(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(conn, format, r.URL.RawQuery+string(body), r.URL.Query())
		_ = conn.Close()
	}
}

func failureModes(t *testing.T) map[string]*Client {
	everything := strings.Join([]string{testSecret.Reveal(), testCode, testAccess.Reveal(), testRefresh.Reveal()}, " ")
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	slow := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	})
	slow.Timeout = 50 * time.Millisecond
	return map[string]*Client{
		"refused":     {APIURL: closed.URL},
		"bad address": {APIURL: "https://user:" + url.QueryEscape(testSecret.Reveal()) + "@127.0.0.1/%zz"},
		"dial quotes": {APIURL: "http://127.0.0.1", dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("cannot dial " + everything + " " + url.QueryEscape(testCode))
		}},
		"not TLS": {APIURL: strings.Replace(newClient(t, echo("%s")).APIURL, "http:", "https:", 1), Timeout: time.Second},
		"timeout": slow,
		"redirect": newClient(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1"+r.RequestURI, 302)
		}),
		"not HTTP":       newClient(t, raw("%s %s\r\n\r\n")),
		"status line":    newClient(t, raw("HTTP/1.1 500 %s %s\r\n\r\n")),
		"status number":  newClient(t, raw("HTTP/1.1 %s %s\r\n\r\n")),
		"header":         newClient(t, raw("HTTP/1.1 200 OK\r\n%s %s\r\n\r\n")),
		"length":         newClient(t, raw("HTTP/1.1 200 OK\r\nContent-Length: %s %s\r\n\r\n")),
		"encoding":       newClient(t, raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: %s %s\r\n\r\n")),
		"cut body":       newClient(t, raw("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n%s %s")),
		"bad chunk":      newClient(t, raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s %s\r\n")),
		"server trouble": newClient(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.RequestURI, 502) }),
		"HTML":           newClient(t, echo("<html>%s")),
		"broken JSON":    newClient(t, echo(`{"openid":"%s"`)),
		"odd JSON":       newClient(t, echo(`"%s"`)),
		"openid":         newClient(t, echo(`{"openid":"%s"}`)),
		"unionid":        newClient(t, echo(`{"openid":"`+testOpenID+`","errcode":"%s"}`)),
		"errmsg":         newClient(t, echo(`{"errcode":40029,"errmsg":"invalid %s"}`)),
		"rid":            newClient(t, echo(`{"errcode":40029,"errmsg":"invalid, rid: %s"}`)),
		"hints":          newClient(t, echo(`{"errcode":40029,"errmsg":"invalid, hints: [ req_id: %s ]"}`)),
		"fresh tokens": newClient(t, answer(`{"errcode":40001,"errmsg":"have fresh-access-1 and fresh-refresh-2 and fresh-key-3 and fresh-ticket-4",`+
			`"access_token":"fresh-access-1","refresh_token":"fresh-refresh-2","session_key":"fresh-key-3","ticket":"fresh-ticket-4"}`)),
		"large": newClient(t, answer(strings.Repeat(everything, maxBody/len(everything)+1))),
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	sent := map[string][]string{ // what each call must keep to itself
		"exchange": {testSecret.Reveal(), testCode},
		"refresh":  {testRefresh.Reveal()},
		"userinfo": {testAccess.Reveal(), testOpenID},
		"login":    {testSecret.Reveal(), testCode},
		"phone":    {testAccess.Reveal(), testCode, testOpenID},
		"follower": {testAccess.Reveal(), testOpenID},
		"token":    {testSecret.Reveal()},
		"ticket":   {testAccess.Reveal()},
		"qrcode":   {testAccess.Reveal()},
	}
	for mode, c := range failureModes(t) {
		for op, call := range calls {
			err := call(t, c)
			if err == nil {
				t.Errorf("%s, %s: no error", mode, op)
				continue
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%s, %s: a %T", mode, op, err)
			}
			if _, ok := errors.AsType[*url.Error](err); ok {
				t.Errorf("%s, %s: wraps a *url.Error", mode, op)
			}
			pieces := []string{"fresh-access-1", "fresh-refresh-2", "fresh-key-3", "fresh-ticket-4"}
			for _, secret := range sent[op] {
				pieces = append(pieces, secret, url.QueryEscape(secret), secret[:8], secret[8:16], secret[len(secret)-8:],
					fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%x", secret[len(secret)-8:]))
			}
			text := forms(err)
			for _, piece := range pieces {
				if strings.Contains(text, piece) {
					t.Errorf("%s, %s: %q is in %v", mode, op, piece, err)
				}
			}
		}
		c.CloseIdle()
	}
}
