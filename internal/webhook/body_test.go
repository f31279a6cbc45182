package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	testUser    = "abcdefghijklmnopqrstuvwxyz"
	testFormer  = "zyxwvutsrqponmlkjihgfedcba"
	testAppID   = "wx1234567890abcdef"
	testOpenID  = "oTest_openid-0123456789abcde"
	testUnionID = "uTest_unionid-012345678901234"
)

var testAt = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// everyKind is an event of each kind with all that can be set, and with as
// little as can be.
func everyKind() map[string]ledger.Event {
	full := func(kind ledger.EventKind, change func(*ledger.Event)) ledger.Event {
		e := ledger.Event{ID: eventID(0), Kind: kind, Person: testUser, AppID: testAppID, OpenID: testOpenID, UnionID: testUnionID, At: testAt}
		if change != nil {
			change(&e)
		}
		return e
	}
	return map[string]ledger.Event{
		"signed_in":            full(ledger.SignedIn, func(e *ledger.Event) { e.Scope = "snsapi_userinfo" }),
		"signed_in, bare":      full(ledger.SignedIn, func(e *ledger.Event) { e.Scope, e.UnionID = "mini_program", "" }),
		"linked, unionid":      full(ledger.Linked, func(e *ledger.Event) { e.OpenID = "" }),
		"linked, openid":       full(ledger.Linked, func(e *ledger.Event) { e.UnionID = "" }),
		"linked, moved":        full(ledger.Linked, func(e *ledger.Event) { e.From = testFormer }),
		"merged":               full(ledger.Merged, func(e *ledger.Event) { e.From, e.Aliases = testFormer, []string{testFormer} }),
		"declined":             full(ledger.Declined, func(e *ledger.Event) { e.Scope, e.Reason = "snsapi_userinfo", "page" }),
		"declined, by nobody":  {ID: eventID(0), Kind: ledger.Declined, AppID: testAppID, At: testAt, Reason: "wechat"},
		"revoked":              full(ledger.Revoked, func(e *ledger.Event) { e.Reason = "205,206" }),
		"revoked, no codes":    full(ledger.Revoked, nil),
		"cancelled":            full(ledger.Cancelled, nil),
		"profile_changed":      full(ledger.ProfileChanged, nil),
		"logged_out":           full(ledger.LoggedOut, func(e *ledger.Event) { e.Reason = "visitor" }),
		"logged_out, by admin": {ID: eventID(0), Kind: ledger.LoggedOut, Person: testUser, At: testAt, Reason: "admin"},
		"test":                 {ID: eventID(0), Kind: typeTest, At: testAt},
		"erased":               {ID: eventID(0), Kind: ledger.Erased, Person: testUser, At: testAt},
		"erased, once merged":  {ID: eventID(0), Kind: ledger.Erased, Person: testUser, Aliases: []string{testFormer}, At: testAt},
		"erased, with names": {
			ID: eventID(0), Kind: ledger.Erased, Person: testUser, Aliases: []string{testFormer}, UnionID: testUnionID, At: testAt,
			Accounts: []ledger.AccountID{{AppID: testAppID, OpenID: testOpenID}, {AppID: "wx0123456789abcdef", OpenID: "oOther"}},
		},
	}
}

func testAccounts(appID string) string {
	if appID == testAppID {
		return "main"
	}
	return ""
}

func TestEveryKindFitsTheSchema(t *testing.T) {
	rules, s := readSchema(t), &Sender{Accounts: testAccounts}
	kinds := map[any]bool{}
	for name, e := range everyKind() {
		b, err := s.Body(&e)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if fault := rules.check(map[string]any(rules), v, "body"); fault != "" {
			t.Errorf("%s: %s\n%s", name, fault, b)
		}
		kinds[v["type"]] = true
	}
	if described := len(rules["oneOf"].([]any)); len(kinds) != described {
		t.Errorf("%d kinds are described, %d were seen", described, len(kinds))
	}
}

// The check itself: what it lets through proves nothing unless it refuses what
// is wrong.
func TestSchemaRefuses(t *testing.T) {
	rules := readSchema(t)
	good := `{"type":"revoked","version":1,"id":"` + eventID(0) + `","timestamp":"2026-03-01T10:00:00Z","data":{"user":"` + testUser + `","app_id":"a","openid":"o"}}`
	for name, text := range map[string]string{
		"unknown type":  strings.Replace(good, "revoked", "invoked", 1),
		"other version": strings.Replace(good, `n":1`, `n":2`, 1),
		"no id":         strings.Replace(good, `"id"`, `"ID"`, 1),
		"bad id":        strings.Replace(good, eventID(0), "1", 1),
		"bad time":      strings.Replace(good, "T10", " 10", 1),
		"no user":       strings.Replace(good, `"user"`, `"usher"`, 1),
		"bad user":      strings.Replace(good, testUser, "me", 1),
		"undescribed":   strings.Replace(good, `"app_id"`, `"token":"x","app_id"`, 1),
		"empty":         strings.Replace(good, `"o"`, `""`, 1),
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(name, err)
		}
		if rules.check(map[string]any(rules), v, "body") == "" {
			t.Errorf("%s: passes", name)
		}
	}
	var v any
	_ = json.Unmarshal([]byte(good), &v)
	if fault := rules.check(map[string]any(rules), v, "body"); fault != "" {
		t.Error("the good one:", fault)
	}
}

func TestBodyIsTheSameEachTime(t *testing.T) {
	s := &Sender{Accounts: testAccounts}
	e := everyKind()["merged"]
	e.At = e.At.In(time.FixedZone("CST", 8*3600))
	const want = `{"type":"merged","version":1,"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","timestamp":"2026-03-01T10:00:00Z","data":{"user":"abcdefghijklmnopqrstuvwxyz",` +
		`"former_user":"zyxwvutsrqponmlkjihgfedcba","aliases":["zyxwvutsrqponmlkjihgfedcba"],"account":"main","app_id":"wx1234567890abcdef",` +
		`"openid":"oTest_openid-0123456789abcde","unionid":"uTest_unionid-012345678901234"}}`
	for range 3 {
		if got, err := s.Body(&e); err != nil || string(got) != want {
			t.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	}
	s.Accounts = func(string) string { return "<店&>" }
	if got, _ := s.Body(&e); !strings.Contains(string(got), `"account":"<店&>"`) {
		t.Errorf("a name is not as it was configured: %s", got)
	}
	s.Accounts = testAccounts
	e.AppID = "wxunknown"
	if got, _ := s.Body(&e); strings.Contains(string(got), `"account"`) {
		t.Errorf("an account that is not configured has a name: %s", got)
	}
}
