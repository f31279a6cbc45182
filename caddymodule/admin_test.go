package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What each call answers, word for word: testdata/admin/calls.golden.
func TestAdminCalls(t *testing.T) {
	o := openOffice(t, local(t))
	const ming, merged, nobody = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "mmmmmmmmmmmmmmmmmmmmmmmmmm", "zzzzzzzzzzzzzzzzzzzzzzzzzz"
	var got strings.Builder
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/wechat/ledger", ""},
		{"POST", "/wechat/ledger", o.ledgerFile()},
		{"POST", "/wechat/ledger", o.ledgerFile()},
		{"GET", "/wechat/persons?app_id=wx1234567890abcdef&openid=oMing0000000000000000000000", ""},
		{"GET", "/wechat/persons?openid=oMing0000000000000000000000", ""},
		{"GET", "/wechat/persons?unionid=oUnionLi000000000000000000", ""},
		{"GET", "/wechat/persons?id=" + merged, ""},
		{"GET", "/wechat/persons?app_id=wxfedcba0987654321&openid=oHong0000000000000000000000", ""},
		{"GET", "/wechat/persons?unionid=nobody", ""},
		{"GET", "/wechat/persons?id=x", ""},
		{"GET", "/wechat/persons", ""},
		{"GET", "/wechat/persons?limit=2", ""},
		{"GET", "/wechat/persons?after=001772712000bbbbbbbbbbbbbbbbbbbbbbbbbb&limit=2", ""},
		{"GET", "/wechat/persons?nickname=%E5%B0%8F", ""},
		{"GET", "/wechat/persons?nickname=nobody", ""},
		{"GET", "/wechat/persons/count", ""},
		{"GET", "/wechat/ledger/verify", ""},
		{"GET", "/wechat/ledger/inactive?before=2026-03-06T00:00:00Z", ""},
		{"GET", "/wechat/persons/" + ming, ""},
		{"GET", "/wechat/persons/" + merged, ""},
		{"GET", "/wechat/persons/" + nobody, ""},
		{"GET", "/wechat/persons/..%2f..%2fetc", ""},
		{"GET", "/wechat/sessions?person=" + ming, ""},
		{"GET", "/wechat/sessions?person=" + nobody, ""},
		{"DELETE", "/wechat/sessions?person=" + merged, ""},
		{"DELETE", "/wechat/sessions?person=" + nobody, ""},
		{"DELETE", "/wechat/sessions/abc", ""},
		{"DELETE", "/wechat/persons/" + merged, ""},
		{"DELETE", "/wechat/persons/" + ming, ""},
		{"GET", "/wechat/persons/" + ming, ""},
		{"GET", "/wechat/persons?unionid=oUnionMing00000000000000000", ""},
		{"DELETE", "/wechat/ledger/inactive?before=2026-03-06T00:00:00Z&limit=10", ""},
		{"DELETE", "/wechat/ledger/inactive?before=2026-03-06T00:00:00Z&limit=10", ""},
		{"GET", "/wechat/persons/count", ""},
		{"GET", "/wechat/ledger", ""},
	} {
		status, answer, header := o.call(c.method, c.path, c.body)
		fmt.Fprintf(&got, "== %s %s\n%d %s\n%s", c.method, c.path, status, header.Get("Content-Type"), timeless(answer))
		if header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s may be cached", c.method, c.path)
		}
	}
	const golden = "testdata/admin/calls.golden"
	if *update {
		write(t, golden, got.String())
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the calls answered\n%s\nwant\n%s", got.String(), want)
	}
}

// What cannot be meant is refused, in a sentence, and changes nothing.
func TestAdminRefuses(t *testing.T) {
	o := openOffice(t, local(t))
	o.must("POST", "/wechat/ledger", o.ledgerFile(), http.StatusOK)
	lines := strings.SplitAfter(strings.TrimSuffix(o.ledgerFile(), "\n"), "\n")
	header, ming, hong := lines[0], lines[1], lines[2]
	newcomer := strings.NewReplacer("bbbbbbbbbbbbbbbbbbbbbbbbbb", "dddddddddddddddddddddddddd", "oHong", "oDing").Replace(hong)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"find by another name":   {"GET", "/wechat/persons?name=x", "", 400, "openid, or app_id and openid, or unionid, or id, or nickname"},
		"a page of nothing":      {"GET", "/wechat/persons?limit=0", "", 400, "from 1 to 500"},
		"a page of too many":     {"GET", "/wechat/persons?limit=501", "", 400, "from 1 to 500"},
		"a page after something": {"GET", "/wechat/persons?after=secret+words", "", 400, "the page before"},
		"a page of a search":     {"GET", "/wechat/persons?nickname=a&limit=1", "", 400, "or give openid"},
		"nickname of a NUL":      {"GET", "/wechat/persons?nickname=a%00", "", 400, "control characters"},
		"nickname of no UTF-8":   {"GET", "/wechat/persons?nickname=%ff", "", 400, "UTF-8"},
		"a long nickname":        {"GET", "/wechat/persons?nickname=" + strings.Repeat("a", 257), "", 400, "256 bytes"},
		"count of some":          {"GET", "/wechat/persons/count?id=a", "", 400, "no parameters"},
		"erase the count":        {"DELETE", "/wechat/persons/count", "", 405, "not allowed"},
		"verify after something": {"GET", "/wechat/ledger/verify?after=secret+words", "", 400, "begin without it"},
		"backup to a file":       {"GET", "/wechat/ledger/backup?file=/etc/passwd", "", 400, "no parameters"},
		"prune all":              {"DELETE", "/wechat/ledger/inactive", "", 400, "must give before"},
		"app id without openid":  {"GET", "/wechat/persons?app_id=wx1", "", 400, "app_id and openid"},
		"two names":              {"GET", "/wechat/persons?id=a&unionid=b", "", 400, "or give openid"},
		"a name twice":           {"GET", "/wechat/persons?id=a&id=b", "", 400, "or give openid"},
		"an empty name":          {"GET", "/wechat/persons?unionid=", "", 400, "or give openid"},
		"a mistyped name":        {"GET", "/wechat/persons?unionid=b&xid=a", "", 400, "or give openid"},
		"a broken query":         {"GET", "/wechat/persons?id=%zz", "", 400, "cannot be read"},
		"sessions of whom":       {"GET", "/wechat/sessions", "", 400, "give person"},
		"end sessions of whom":   {"DELETE", "/wechat/sessions", "", 400, "give person"},
		"end with another name":  {"DELETE", "/wechat/sessions?persons=aaaaaaaaaaaaaaaaaaaaaaaaaa", "", 400, "give person"},
		"erase nobody":           {"DELETE", "/wechat/persons/", "", 404, "no such call"},
		"erase all":              {"DELETE", "/wechat/persons", "", 405, "not allowed"},
		"erase the ledger":       {"DELETE", "/wechat/ledger", "", 405, "not allowed"},
		"change a person":        {"PUT", "/wechat/persons/aaaaaaaaaaaaaaaaaaaaaaaaaa", "{}", 405, "not allowed"},
		"an unknown call":        {"GET", "/wechat/key", "", 404, "no such call"},
		"import nothing":         {"POST", "/wechat/ledger", "", 400, `"line":1,"message":"it must be {`},
		"import of UTF-16":       {"POST", "/wechat/ledger", "\xfe\xff\x00{", 400, `"line":1,"message":"the file is UTF-16`},
		"import without header":  {"POST", "/wechat/ledger", newcomer, 400, `"line":1`},
		"import of a newer form": {"POST", "/wechat/ledger", strings.Replace(header, "2", "4", 1) + newcomer, 400, `"line":1`},
		"a line that is no JSON": {"POST", "/wechat/ledger", header + newcomer + "secret words", 400, `"line":3,"message":"invalid: not a person in JSON, in a line of length 12`},
		"an end in an old form":  {"POST", "/wechat/ledger", oldHeader + endedSession + "\n", 400, `"line":2,"message":"invalid: not a person in JSON, in a line of length 83`},
		"an end of nothing":      {"POST", "/wechat/ledger", header + newcomer + `{"ended_session":"secret words","until":"2999-01-01T00:00:00Z"}`, 400, `"line":3,"message":"invalid: the tombstone has a bad ended_session"`},
		"an end for ever":        {"POST", "/wechat/ledger", header + endedSession + "\n" + `{"ended_person":"abcdefghijklmnopqrstuvwxyz","at":"2026-03-01T00:00:00Z"}`, 400, `"line":3,"message":"invalid: the tombstone has a bad until"`},
		"an empty line":          {"POST", "/wechat/ledger", header + "\n" + newcomer, 400, `"line":2`},
		"a bad person":           {"POST", "/wechat/ledger", header + newcomer + `{"id":"x"}`, 400, `"line":3,"message":"invalid: the person has a bad id"`},
		"a field from elsewhere": {"POST", "/wechat/ledger", header + strings.Replace(newcomer, "{", `{"admin":true,`, 1), 400, `"line":2`},
		"a line without end":     {"POST", "/wechat/ledger", header + strings.Repeat("x", 1<<20+1), 400, `"line":2,"message":"it is longer than 1048576 bytes"`},
		"too many lines":         {"POST", "/wechat/ledger", header + strings.Repeat(newcomer, 1001), 413, `"line":1002`},
		"too many bytes":         {"POST", "/wechat/ledger", header + strings.Repeat(strings.Repeat(" ", 1<<16)+newcomer, 300), 413, "at most 16777216 bytes"},
		"somebody else's openid": {"POST", "/wechat/ledger", header + strings.Replace(ming, strings.Repeat("a", 26), strings.Repeat("e", 26), 1), 409, `"line":2`},
		"a session of no id":     {"DELETE", "/wechat/sessions/" + strings.Repeat("a", 20), "", 400, "a session id has 19 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer, headers := o.call(test.method, test.path, test.body)
			if status != test.status || !strings.Contains(answer, test.want) {
				t.Errorf("%d %s, want %d with %s", status, answer, test.status, test.want)
			}
			wantRefusal(t, status, answer, headers)
			if status == http.StatusMethodNotAllowed && headers.Get("Allow") == "" {
				t.Error("it does not say which method")
			}
			if strings.Contains(answer, "secret words") || strings.Contains(answer, "oMing") {
				t.Errorf("it repeats what it was given: %s", answer)
			}
		})
	}
	if got := o.must("GET", "/wechat/ledger", "", http.StatusOK); sorted(got) != sorted(o.ledgerFile()) {
		t.Errorf("the ledger was changed:\n%s", got)
	}
}

// Of a batch with a contradiction, all lines before it are in; repeated, it
// goes on. What the ledger has is given again as it was.
func TestAdminImportStopsAtTheFirstContradiction(t *testing.T) {
	o := openOffice(t, local(t))
	o.must("POST", "/wechat/ledger", o.ledgerFile(), http.StatusOK)
	lines := strings.SplitAfter(o.ledgerFile(), "\n")
	batch := lines[0]
	for i := range 900 {
		line := strings.NewReplacer("bbbbbbbbbbbbbbbbbbbbbbbbbb", strings.Repeat("b", 22)+letters(i), "oHong", "o"+letters(i)).Replace(lines[2])
		if i == 500 {
			line = strings.Replace(lines[1], strings.Repeat("a", 26), strings.Repeat("e", 26), 1)
		}
		batch += line
	}
	if got := o.must("POST", "/wechat/ledger", batch, http.StatusConflict); !strings.Contains(got, `"line":502,`) {
		t.Fatal(got)
	}
	if n := strings.Count(o.must("GET", "/wechat/ledger", "", http.StatusOK), "\n"); n < 1+3+500 {
		t.Errorf("%d lines: not all before the refused one", n)
	}
	all := strings.SplitAfter(batch, "\n")
	o.must("POST", "/wechat/ledger", strings.Join(slices.Delete(all, 501, 502), ""), http.StatusOK)
	if n := strings.Count(o.must("GET", "/wechat/ledger", "", http.StatusOK), "\n"); n != 1+3+899 {
		t.Errorf("%d lines", n)
	}
}

const (
	oldHeader    = `{"format":"wechat-ledger","version":1}` + "\n"
	endedSession = `{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2999-01-01T00:00:00Z"}`
	endedPerson  = `{"ended_person":"abcdefghijklmnopqrstuvwxyz","at":"2026-03-01T00:00:00Z","until":"2999-01-01T00:00:00Z"}`
	endedLongAgo = `{"ended_session":"0f0102030405060708090a0b0c0d0e0f","until":"2001-01-01T00:00:00Z"}`
)

// What was ended goes with the persons, before them, from any store to any
// other, as often as one likes; what is past stays behind.
func TestAdminMovesWhatWasEnded(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, store(t))
			header, persons, _ := strings.Cut(o.ledgerFile(), "\n")
			whole := header + "\n" + endedSession + "\n" + endedPerson + "\n" + persons
			for range 2 {
				if got := o.must("POST", "/wechat/ledger", whole+endedLongAgo, http.StatusOK); got != "{\"persons\":3,\"ended\":3}\n" {
					t.Errorf("answered %s", got)
				}
				got := o.must("GET", "/wechat/ledger", "", http.StatusOK)
				if sorted(got) != sorted(whole) {
					t.Errorf("the ledger is\n%s\nwant\n%s", got, whole)
				}
				if lines := strings.Split(got, "\n"); !strings.Contains(lines[1], "ended_") || !strings.Contains(lines[2], "ended_") {
					t.Errorf("the ends do not come first:\n%s", got)
				}
			}
		})
	}
}

// A ledger as older gateways wrote it, without ends.
func TestAdminImportsTheOldForm(t *testing.T) {
	o := openOffice(t, local(t))
	_, persons, _ := strings.Cut(o.ledgerFile(), "\n")
	if got := o.must("POST", "/wechat/ledger", oldHeader+persons, http.StatusOK); got != "{\"persons\":3,\"ended\":0}\n" {
		t.Errorf("answered %s", got)
	}
	if got := o.must("GET", "/wechat/ledger", "", http.StatusOK); sorted(got) != sorted(o.ledgerFile()) {
		t.Errorf("the ledger is\n%s", got)
	}
}

// Every user of the binary has these calls, also those without a wechat block:
// they are answered, and nobody is taken for absent.
func TestAdminWithoutTheApp(t *testing.T) {
	o := openOffice(t, "")
	for _, c := range []struct{ method, path string }{
		{"GET", "/wechat/persons?id=a"}, {"DELETE", "/wechat/persons/a"}, {"GET", "/wechat/sessions?person=a"}, {"GET", "/wechat/ledger"},
	} {
		status, answer, _ := o.call(c.method, c.path, "")
		if status != http.StatusServiceUnavailable || !strings.Contains(answer, "no wechat block") {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
		}
	}
}

// letters is a number in four letters of an id.
func letters(i int) string {
	const digits = "abcdefghijklmnopqrstuvwxyz"
	return string([]byte{digits[i/17576%26], digits[i/676%26], digits[i/26%26], digits[i%26]})
}

func sorted(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// timeless puts the ends of a ledger into an order, and hides when they were.
func timeless(answer string) string {
	var ends []string
	rest := regexp.MustCompile(`(?m)^\{"ended_.*\n`).ReplaceAllStringFunc(answer, func(line string) string {
		ends = append(ends, regexp.MustCompile(`(at|until)":"[^"]*"`).ReplaceAllString(line, `$1":"…"`))
		return ""
	})
	slices.Sort(ends)
	first, persons, _ := strings.Cut(rest, "\n")
	if len(ends) == 0 {
		return answer
	}
	return first + "\n" + strings.Join(ends, "") + persons
}

// The way from one gateway to several, as docs/fleet.md tells it: the ledger is
// copied while visitors come, and once more in the end. Whoever consented in
// between has consented in the new store.
func TestAdminCopiesTwice(t *testing.T) {
	o := openOffice(t, local(t))
	c := o.caller("ming")
	ming, hong := c.signIn(), o.caller("hong").signIn()
	first := o.must("GET", "/wechat/ledger", "", http.StatusOK)
	o.sim.SetConsent("ming", simApp, true)
	c.visit("/_wechat/login?return_to=/&scope=snsapi_userinfo")
	second := o.must("GET", "/wechat/ledger", "", http.StatusOK)
	if !strings.Contains(second, "小明") || strings.Contains(first, "小明") {
		t.Fatalf("no consent between the two:\n%s\n%s", first, second)
	}
	o = openOffice(t, listedRedis(t))
	for _, file := range []string{first, second, first, second} {
		o.must("POST", "/wechat/ledger", file, http.StatusOK)
	}
	if got := o.must("GET", "/wechat/persons/"+ming, "", http.StatusOK); !strings.Contains(got, "小明") || !strings.Contains(got, "consent_at") {
		t.Errorf("the person is %s", got)
	}
	o.must("GET", "/wechat/persons/"+hong, "", http.StatusOK)
}
