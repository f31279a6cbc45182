package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// What visitors meet when WeChat is not well, and that it harms nobody who is
// signed in already.
func TestWeChatNotWell(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	settled := w.visitor("ming")
	settled.signIn(w.site + "/")
	w.app.take()
	for _, test := range []struct {
		name   string
		quirks wechattest.Quirks
		status int
		retry  bool
		log    string
	}{
		{"-1", wechattest.Quirks{WrongErrcode: wechattest.Number{Value: -1, Endpoint: "token"}}, 503, true, `"errcode":-1`},
		{"40125", wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40125, Endpoint: "token"}}, 500, false, `"errcode":40125`},
		{"45011", wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 45011, Endpoint: "token"}}, 503, true, `"errcode":45011`},
		{"40163", wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40163, Endpoint: "token"}}, 400, false, `"errcode":40163`},
		{"HTML", wechattest.Quirks{HTMLBody: wechattest.Knob{On: true, Endpoint: "token"}}, 503, true, `"kind":"uncertain"`},
		{"hang", wechattest.Quirks{Hang: wechattest.Knob{On: true, Endpoint: "token"}}, 503, true, `"kind":"uncertain"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.quirks(test.quirks)
			defer w.quirks(wechattest.Quirks{})
			a := w.visitor("hong").open(w.site + "/x")
			if a.StatusCode != test.status || (a.Header.Get("Retry-After") != "") != test.retry {
				t.Errorf("%s, Retry-After %q, %.100s", a.Status, a.Header.Get("Retry-After"), a.body)
			}
			if !strings.Contains(a.body, "<html") {
				t.Errorf("not a page: %.100s", a.body)
			}
			if log := w.log(); !strings.Contains(log, test.log) || test.name == "40125" && !strings.Contains(log, `"rid":"`) {
				t.Errorf("the log says nothing of it")
			}
			if a := settled.send(http.MethodGet, w.site+"/", "", nil); a.StatusCode != http.StatusOK {
				t.Errorf("a signed-in visitor got %s", a.Status)
			}
		})
	}
}

// Greps everything that was written at DEBUG for everything that is secret.
func TestNothingSecretIsWritten(t *testing.T) {
	w := newWorld(t)
	example := w.exampleLogFilter()
	siteLog := filepath.Join(w.folder, "site.log")
	w.load(strings.Replace(w.caddyfile(options{
		// A rewrite logs the address at DEBUG, and a log of the site's own has
		// no filter but its own.
		before: "rewrite * /app{uri}\n\tlog {\n\t\toutput file " + siteLog + "\n\t\t" + example + "\n\t}",
	}), "level DEBUG", "level DEBUG\n"+example, 1))
	var secrets []string
	for i, person := range []string{"ming", "hong"} {
		v := w.visitor(person)
		if i == 1 {
			w.quirks(wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40003, Endpoint: "userinfo"}})
		}
		v.signIn(w.site + "/page")
		for _, hop := range v.hops {
			for _, part := range []string{`[?&]code=([^&]+)`, `[?&]state=([^&]+)`, `/_wechat/callback/[^/]+/([^?]+)`} {
				if secret := attribute(hop, part); secret != "" {
					secrets = append(secrets, secret)
				}
			}
		}
		if i == 0 {
			secrets = append(secrets, v.cookie(w.site, "wechat"))
		}
	}
	w.stop()
	secrets = append(secrets, w.wechat.Issued()...)
	if len(secrets) < 12 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	own, err := os.ReadFile(siteLog)
	if err != nil {
		t.Fatal(err)
	}
	log := w.log() + string(own)
	if !strings.Contains(log, "handled request") || !strings.Contains(log, "signed in") {
		t.Fatal("the log is not what it should be")
	}
	for _, secret := range secrets {
		if len(secret) >= 8 && strings.Contains(log, secret) {
			t.Errorf("%.6s… stands in the log", secret)
		}
	}
}
