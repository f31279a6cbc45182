package test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// noSecrets searches all that the gateway has said so far, to clients, to its
// logs and to its operators, for what WeChat and it know in secret: secrets of
// accounts, codes, session_keys, access_tokens, refresh_tokens, the JS-SDK's
// ticket.
func (d *doorWorld) noSecrets() {
	d.t.Helper()
	answers, count := d.transport.all()
	if accessLog := d.file("access.log"); count == 0 || strings.Count(accessLog, "\n") < count/2 {
		d.t.Fatalf("%d answers, %d bytes of access log: nothing was tried", count, len(accessLog))
	}
	d.search(map[string]string{"the answers": answers})
	d.noSecretsInLogs()
}

// noSecretsInLogs is for browsers, whose answers nobody has seen.
func (d *doorWorld) noSecretsInLogs() {
	d.t.Helper()
	d.search(map[string]string{
		"the metrics": d.adminGet("/metrics"), "the configuration": d.adminGet("/config/"), "the ledger's export": d.adminGet("/wechat/ledger"),
		"caddy.log": d.log(), "access.log": d.file("access.log"),
	})
}

// file reads one of the world's files.
func (d *doorWorld) file(name string) string {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.folder, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// search looks for secrets in texts.
func (d *doorWorld) search(texts map[string]string) {
	d.t.Helper()
	var all []string
	for _, secret := range d.wechat.Issued() {
		all = append(all, secret)
		if escaped := url.QueryEscape(secret); escaped != secret {
			all = append(all, escaped)
		}
	}
	for _, secret := range doorSecrets {
		all = append(all, secret)
	}
	index, given := newSecretIndex(all), newSecretIndex(d.transport.given())
	if len(all) < 8 {
		d.t.Fatalf("only %d secrets: nothing was tried", len(all))
	}
	for name, text := range texts {
		if len(text) < 200 {
			d.t.Errorf("%s: only %q", name, text)
		}
		found := index.in(text)
		if name != "the answers" {
			found = append(found, given.in(text)...)
		}
		for _, where := range found[:min(len(found), 5)] {
			d.t.Errorf("%d secrets in %s, such as %s", len(found), name, where)
		}
	}
}
