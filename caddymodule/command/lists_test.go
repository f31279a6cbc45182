package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// seenAt is a person of a ledger who was seen at a time and has a nickname.
func seenAt(n int, at, nickname string) string {
	l := strings.ReplaceAll(line(n), "2026-03-01T10:00:00Z", at)
	return strings.Replace(l, `小明\u202e`, nickname, 1)
}

func TestPersonsList(t *testing.T) {
	r := start(t)
	if out := r.do("persons", "count"); out != "0 persons\n" {
		t.Errorf("an empty ledger: %q", out)
	}
	lines := []string{header}
	for n := range 7 {
		lines = append(lines, seenAt(n, fmt.Sprintf("2020-01-0%dT10:00:00Z", n+1), fmt.Sprint("Name ", n)))
	}
	r.do("ledger", "import", file(t, lines...))
	if out := r.do("persons", "count"); out != "7 persons\n" {
		t.Errorf("printed %q", out)
	}
	if out := r.do("persons", "count", "--json"); out != "{\"persons\":7}\n" {
		t.Errorf("printed %q", out)
	}
	page, beside, err := wechat(t, r.address, "persons", "list", "--limit", "3")
	if err != nil || !strings.HasPrefix(page, "PERSON\tAPPS\t") || !strings.Contains(page, "\n"+personID(6)+"\twx1234567890abcdef\t") || strings.Contains(page, personID(3)) {
		t.Errorf("the first page is\n%s, %v", page, err)
	}
	next := regexp.MustCompile(`^There are more: --after (\S+)\n$`).FindStringSubmatch(beside)
	if next == nil {
		t.Fatalf("it does not say how to go on:\n%s", beside)
	}
	r.do("persons", "list", "--limit", "3", "--json") // says nothing beside
	var rest struct {
		Persons []struct{ ID string }
		Next    string
	}
	if err := json.Unmarshal([]byte(r.do("persons", "list", "--after", next[1], "--json")), &rest); err != nil || len(rest.Persons) != 4 || rest.Persons[0].ID != personID(3) || rest.Next != "" {
		t.Errorf("the rest is %+v, %v", rest, err)
	}
	if out := r.do("persons", "list", "--after", next[1]); strings.Count(out, "\n") != 5 {
		t.Errorf("the last page is\n%s", out)
	}
	found := r.do("persons", "find", "--nickname", "nAmE ３")
	if !strings.Contains(found, personID(3)) || strings.Count(found, "\n") != 2 {
		t.Errorf("found\n%s", found)
	}
	r.fails("there is no such person", "persons", "find", "--nickname", "nobody")
	r.fails("give --nickname alone", "persons", "find", "--nickname", "a", "--unionid", "u")
	r.fails("limit must be a number from 1 to 500", "persons", "list", "--limit", "501")
	r.fails("after must be", "persons", "list", "--after", "x")
}

// Without --yes persons are shown; with it they are erased, and no others.
func TestPrune(t *testing.T) {
	r := start(t)
	lines := []string{header}
	for n := range 600 {
		lines = append(lines, seenAt(n, "2020-01-01T10:00:00Z", "n"))
	}
	now := time.Now().UTC().Format(time.RFC3339)
	r.do("ledger", "import", file(t, append(lines, seenAt(600, now, "n"))...))
	out, _, err := wechat(t, r.address, "ledger", "prune", "--inactive", "24mo")
	if err == nil || !strings.Contains(err.Error(), "add --yes") || !regexp.MustCompile(`^Not seen since 20\S+ .*: 600 persons, the first of them since 2020-01-01 `).MatchString(out) {
		t.Errorf("shown %q, %v", out, err)
	}
	out, _, err = wechat(t, r.address, "ledger", "prune", "--inactive", "24mo", "--json")
	if err == nil || out != `{"persons":600,"oldest":"2020-01-01T10:00:00Z"}`+"\n" {
		t.Errorf("shown %q, %v", out, err)
	}
	if out := r.do("persons", "count"); out != "601 persons\n" {
		t.Fatalf("to show has erased: %s", out)
	}
	if out := r.do("ledger", "prune", "--inactive", "24mo", "--yes"); !strings.HasSuffix(out, "\nErased: 600 persons.\n") {
		t.Errorf("printed %q", out)
	}
	if out := r.do("ledger", "prune", "--inactive", "24mo", "--yes", "--json"); out != "{\"erased\":0}\n" {
		t.Errorf("printed %q", out)
	}
	if out := r.do("ledger", "prune", "--inactive", "2y"); !strings.HasPrefix(out, "All persons have been seen since ") {
		t.Errorf("printed %q", out)
	}
	r.do("persons", "show", personID(600))
	r.fails("may still be signed in", "ledger", "prune", "--inactive", "29d", "--yes")
	r.fails("such as 24mo", "ledger", "prune", "--yes")
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"24mo": "2024-08-01", "1mo": "2026-07-01", "2y": "2024-08-01", "400d": "2025-06-27", "56y": "1970-08-01"} {
		if got, err := ago(text, now); err != nil || got.Format(time.DateOnly) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "mo", "24", "24 mo", "-1mo", "+1mo", "0d", "01d", "1.5y", "24m", "24h", "1w", "57y", "99999999999999999999d", "d", "１y", "24mo "} {
		if got, err := ago(bad, now); !errors.Is(err, errAgo) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}

func FuzzAgo(f *testing.F) {
	f.Add("24mo")
	f.Add("65535y")
	now := time.Now()
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := ago(text, now); err == nil && (!at.Before(now) || at.Year() < 1970) {
			t.Errorf("%q is %v", text, at)
		}
	})
}

// A server of scripted answers, for what is hard to bring about.
func scripted(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *client {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n++; answer(n, w, r) }))
	t.Cleanup(server.Close)
	c, err := (&endpoint{address: strings.TrimPrefix(server.URL, "http://")}).client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Ctrl+C stops between two parts and says how far it got; a webhook that is
// behind is waited for.
func TestPruneIsInterruptedAndWaits(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := scripted(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		switch n {
		case 1:
			fmt.Fprint(w, `{"erased":0,"more":true,"waits_for":"crm"}`)
		case 4:
			cancel()
			fallthrough
		default:
			fmt.Fprint(w, `{"erased":500,"more":true}`)
		}
	})
	p := &prune{client: c, cmd: new(cobra.Command), wait: time.Millisecond, total: 9000}
	err := p.run(ctx)
	if !errors.Is(err, context.Canceled) || !regexp.MustCompile(`\nat least 1[05]00 of 9000 persons are erased; repeat the command to go on$`).MatchString(err.Error()) {
		t.Errorf("error %v", err)
	}
	p = &prune{client: c, cmd: new(cobra.Command), wait: time.Hour, total: 9000}
	stopped, stop := context.WithCancel(t.Context())
	waiting := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"erased":0,"more":true,"waits_for":"crm"}`)
		time.AfterFunc(10*time.Millisecond, stop)
	})
	p.client = waiting
	if err := p.run(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("while it waits: %v", err)
	}
}

// A sound ledger has no problems; those that are found are printed, and are an
// error.
func TestVerify(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0), line(1)))
	if out := r.do("ledger", "verify"); out != "8 entries checked: no problems.\n" {
		t.Errorf("printed %q", out)
	}
	if out := r.do("ledger", "verify", "--json"); out != `{"checked":8,"found":0,"problems":[]}`+"\n" {
		t.Errorf("printed %q", out)
	}
	c := scripted(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if want := map[int]string{1: "", 2: "a+/b"}[n]; r.URL.Query().Get("after") != want {
			t.Errorf("call %d after %q, want %q", n, r.URL.Query().Get("after"), want)
		}
		if n == 1 {
			fmt.Fprint(w, `{"checked":1000,"problems":[{"problem":"name_astray","in":"openid","person":"abc","detail":"wx1"}],"next":"a+/b"}`)
			return
		}
		fmt.Fprintf(w, `{"checked":5,"problems":[%s{"problem":"wrong_count","in":"person","detail":"4 instead of 1"}]}`, strings.Repeat(`{"problem":"unreadable","in":"person"},`, 1200))
	})
	v := &verify{client: c, progress: new(progress)}
	if err := v.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := v.report(&out, false)
	if err == nil || !strings.Contains(err.Error(), "1005 entries checked: 1202 problems, of which 1000 are shown") {
		t.Errorf("error %v", err)
	}
	if !strings.HasPrefix(out.String(), "PROBLEM\tIN\tPERSON\tDETAIL\nname_astray\topenid\tabc\twx1\nunreadable\tperson\tnone\t") || strings.Count(out.String(), "\n") != 1001 {
		t.Errorf("printed %.300s", out.String())
	}
}

// A backup is a whole file for its owner alone, or none.
func TestBackup(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0)))
	target := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := r.do("ledger", "backup", "--file", target)
	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o600 || out != fmt.Sprintf("%d bytes written to %s.\n", info.Size(), target) {
		t.Errorf("%q, %v, %v", out, info, err)
	}
	r.fails("give --file", "ledger", "backup")
	for name, answer := range map[string]func(w http.ResponseWriter){
		"nothing":     func(http.ResponseWriter) {},
		"a page":      func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat("<p>", 100)) },
		"half a file": half,
		"no length":   func(w http.ResponseWriter) { fmt.Fprint(w, fileOf(100)); w.(http.Flusher).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w) })
			target := filepath.Join(t.TempDir(), "backup.db")
			r := &running{t, strings.TrimPrefix(c.origin, "http://")}
			r.fails("", "ledger", "backup", "--file", target)
			if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a file was written")
			}
		})
	}
}

// fileOf looks like the beginning of a ledger's file.
func fileOf(n int) string {
	return strings.Repeat("\x00", boltMarkAt) + string(boltMark) + strings.Repeat("x", n)
}

func half(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "10000")
	fmt.Fprint(w, fileOf(100))
	panic(http.ErrAbortHandler)
}
