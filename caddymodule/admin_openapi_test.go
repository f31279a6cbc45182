package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/caddymodule"
)

// wantDocumented checks the answer to an admin call against docs/openapi.yaml.
func wantDocumented(t *testing.T, method, path string, response *http.Response, body []byte) {
	t.Helper()
	if !strings.HasPrefix(path, "/wechat/") {
		return // one of Caddy's own calls
	}
	doc, err := caddymodule.ReadOpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Check(method, path, response.StatusCode, response.Header.Get("Content-Type"), body); err != nil {
		t.Errorf("the answer to %s %s is not that of docs/openapi.yaml: %v\n%.2000s", method, path, err, body)
	}
}

// An answer with a field too many, without one, of another type, or refused with
// another word is found out.
func TestOpenAPIFindsOut(t *testing.T) {
	t.Parallel()
	doc, err := caddymodule.ReadOpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	const person = `{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","app_ids":[],"first_seen":"2026-03-06T12:00:00Z","last_seen":"2026-03-06T12:00:00Z"}`
	for name, test := range map[string]struct {
		method, path string
		status       int
		kind, body   string
		ok           bool
	}{
		"a person":           {"GET", "/wechat/persons?id=x", 200, "application/json", "[" + person + "]", true},
		"another field":      {"GET", "/wechat/persons?id=x", 200, "application/json", "[" + strings.Replace(person, "{", `{"openid":"o",`, 1) + "]", false},
		"a field less":       {"GET", "/wechat/persons?id=x", 200, "application/json", "[" + strings.Replace(person, `"app_ids":[],`, "", 1) + "]", false},
		"no time":            {"GET", "/wechat/persons?id=x", 200, "application/json", "[" + strings.Replace(person, "2026-03-06T12:00:00Z", "yesterday", 1) + "]", false},
		"another id":         {"GET", "/wechat/persons?id=x", 200, "application/json", "[" + strings.Replace(person, "aaa", "AAA", 1) + "]", false},
		"not JSON":           {"GET", "/wechat/persons?id=x", 200, "application/json", "[" + person, false},
		"another media type": {"GET", "/wechat/persons?id=x", 200, "text/html", "[" + person + "]", false},
		"another status":     {"GET", "/wechat/persons?id=x", 201, "application/json", "[" + person + "]", false},
		"a body of 204":      {"DELETE", "/wechat/persons/x", 204, "", "x", false},
		"a refusal":          {"GET", "/wechat/persons/x", 404, "application/json", `{"code":404,"error":"person_not_found","message":"no"}`, true},
		"another word":       {"GET", "/wechat/persons/x", 404, "application/json", `{"code":404,"error":"letter_not_found","message":"no"}`, false},
		"Caddy's form":       {"GET", "/wechat/persons/x", 404, "application/json", `{"error":"there is no such person"}`, false},
		"an unknown call":    {"GET", "/wechat/x", 404, "application/json", `{"code":404,"error":"unknown_call","message":"no"}`, true},
		"lines":              {"GET", "/wechat/ledger", 200, "application/jsonl", oldHeader + endedSession + "\n" + endedPerson + "\n", true},
		"another line":       {"GET", "/wechat/ledger", 200, "application/jsonl", oldHeader + `{"session":"x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := doc.Check(test.method, test.path, test.status, test.kind, []byte(test.body)); (err == nil) != test.ok {
				t.Errorf("%v", err)
			}
		})
	}
}
