package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func listenUnix(t *testing.T, path string) (net.Listener, error) {
	t.Helper()
	return new(net.ListenConfig).Listen(t.Context(), "unix", path)
}

// Out and in again, in several batches: the same ledger, however often.
func TestLedgerThereAndBack(t *testing.T) {
	r := start(t)
	const persons = 2500
	lines := []string{header}
	for n := range persons {
		lines = append(lines, line(n))
	}
	source := file(t, lines...)
	for range 2 {
		if out := r.do("ledger", "import", source); out != "2500 persons and 0 ends of sessions are imported.\n" {
			t.Errorf("printed %q", out)
		}
	}
	target := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := r.do("ledger", "export", "--file", target); out != "2500 lines, one for each person and each end of sessions, written to "+target+".\n" {
		t.Errorf("printed %q", out)
	}
	exported, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.do("ledger", "export"); got != string(exported) {
		t.Error("standard output gets something else than the file")
	}
	got := strings.Split(strings.TrimSuffix(string(exported), "\n"), "\n")
	if got[0] != header {
		t.Errorf("first line %s", got[0])
	}
	slices.Sort(got)
	slices.Sort(lines)
	if strings.Join(got, "\n") != strings.ReplaceAll(strings.Join(lines, "\n"), `\u202e`, "\u202e") {
		t.Error("another ledger came back")
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: a ledger is for its owner's eyes only", info.Mode(), err)
	}
}

// An import that stops says where, and goes on from there.
func TestLedgerImportGoesOn(t *testing.T) {
	r := start(t)
	lines := []string{header}
	for n := range 2500 {
		lines = append(lines, line(n))
	}
	lines[1800] = "not a person"
	source := file(t, lines...)
	r.fails("line 1801: invalid: not a person in JSON, in a line of length 12\nit got to line 1002; go on with: --from-line 1002", "ledger", "import", source)
	if n := strings.Count(r.do("ledger", "export"), "\n"); n != 1001 {
		t.Errorf("%d lines after the first batch", n)
	}
	lines[1800] = line(1799)
	if out := r.do("ledger", "import", file(t, lines...), "--from-line", "1002"); out != "1500 persons and 0 ends of sessions are imported.\n" {
		t.Errorf("printed %q", out)
	}
	if n := strings.Count(r.do("ledger", "export"), "\n"); n != 2501 {
		t.Errorf("%d lines", n)
	}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"past the end of one line", "has only 1 line", []string{file(t, header), "--from-line", "3"}},
		{"past the end", "has only 2501 lines", []string{file(t, lines...), "--from-line", "2503"}},
		{"a contradiction", "line 3: contradiction: its openid of wx1234567890abcdef is known already", []string{file(t, header, line(0), strings.Replace(line(1), strings.Repeat("a", 22), strings.Repeat("b", 22), 1))}},
		{"from there", "it got to line 3; go on with: --from-line 3", []string{file(t, header, line(0), strings.Replace(line(1), strings.Repeat("a", 22), strings.Repeat("b", 22), 1))}},
		{"no header", "line 1: it must be", []string{file(t, line(0))}},
		{"nothing", "line 1: it must be", []string{file(t, "")}},
		{"a long line", "line 3: it is longer than 1048576 bytes\nit got to line 3", []string{file(t, header, line(0), strings.Repeat("x", 1<<20+1))}},
		{"an empty line", "line 3: invalid", []string{file(t, header, line(0), "", line(1))}},
		{"a file that was cut off", "ledger.jsonl is empty: it was cut off", []string{raw(t, "")}},
		{"UTF-16", "line 1: the file is UTF-16", []string{raw(t, "\xff\xfe"+strings.Join(strings.Split(header+"\n", ""), "\x00")+"\x00")}},
		{"GBK", "line 2: it is not UTF-8", []string{file(t, header, strings.Replace(line(0), "小明", "\xd0\xa1\xc3\xf7", 1))}},
	} {
		r.fails(c.want, append([]string{"ledger", "import"}, c.args...)...)
	}
	// Notepad and PowerShell save a byte order mark, and lines of Windows.
	if out := r.do("ledger", "import", raw(t, "\ufeff"+strings.Join(lines[:3], "\r\n")+"\r\n")); out != "2 persons and 0 ends of sessions are imported.\n" {
		t.Errorf("with a byte order mark: %q", out)
	}
	if out := r.do("ledger", "import", raw(t, "\ufeff"+strings.Join(lines[:4], "\n")), "--from-line", "3"); out != "2 persons and 0 ends of sessions are imported.\n" {
		t.Errorf("the rest of one with a byte order mark: %q", out)
	}
	if out := r.do("ledger", "import", file(t, header)); out != "0 persons and 0 ends of sessions are imported.\n" {
		t.Errorf("a ledger of nobody: %q", out)
	}
	if out := r.do("ledger", "import", source, "--from-line", "2502"); out != "0 persons and 0 ends of sessions are imported.\n" {
		t.Errorf("all done before: %q", out)
	}
}

// What was ended goes along, in any order of lines, and a part of it can go on.
func TestLedgerCarriesWhatWasEnded(t *testing.T) {
	r := start(t)
	const session = `{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2999-01-01T00:00:00Z"}`
	const person = `{"ended_person":"abcdefghijklmnopqrstuvwxyz","at":"2026-03-01T00:00:00Z","until":"2999-01-01T00:00:00Z"}`
	r.fails("line 4: invalid: the tombstone has a bad until\nit got to line 2", "ledger", "import", file(t, header, session, line(0), `{"ended_session":"000102030405060708090a0b0c0d0e0f"}`))
	source := file(t, header, line(0), session, person, line(1))
	for range 2 {
		if out := r.do("ledger", "import", source); out != "2 persons and 2 ends of sessions are imported.\n" {
			t.Errorf("printed %q", out)
		}
	}
	if out := r.do("ledger", "import", source, "--from-line", "4"); out != "1 person and 1 end of sessions are imported.\n" {
		t.Errorf("from line 4: %q", out)
	}
	got := strings.Split(strings.TrimSuffix(r.do("ledger", "export"), "\n"), "\n")
	if len(got) != 5 || got[0] != header || got[1] != session || got[2] != person {
		t.Errorf("exported %q", got)
	}
	target := filepath.Join(t.TempDir(), "out.jsonl")
	if out := r.do("ledger", "export", "--file", target); !strings.HasPrefix(out, "4 lines") {
		t.Errorf("printed %q", out)
	}
	old := strings.Replace(header, "2", "1", 1)
	if out := r.do("ledger", "import", file(t, old, line(0))); out != "1 person and 0 ends of sessions are imported.\n" {
		t.Errorf("the old form: %q", out)
	}
}

// A server that goes away in the middle: no file, and an import that knows how
// far it came.
func TestLedgerWhenTheServerGoesAway(t *testing.T) {
	t.Parallel()
	batches := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if batches++; batches == 1 {
				fmt.Fprint(w, `{"persons":1000}`)
				return
			}
		} else {
			fmt.Fprintln(w, header)
			fmt.Fprintln(w, strings.Repeat("x", 1<<20))
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	r := &running{t, strings.TrimPrefix(server.URL, "http://")}
	folder := t.TempDir()
	r.fails("was not received completely", "ledger", "export", "--file", filepath.Join(folder, "out"))
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	lines := []string{header}
	for n := range 1500 {
		lines = append(lines, line(n))
	}
	r.fails("it got to line 1002; go on with: --from-line 1002", "ledger", "import", file(t, lines...))
}

// What is no ledger is not written to a file.
func TestLedgerExportOfSomethingElse(t *testing.T) {
	t.Parallel()
	answers := []string{"", "hello\n", header, "{}\n"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, answers[0])
	}))
	defer server.Close()
	target := filepath.Join(t.TempDir(), "out")
	for ; len(answers) > 0; answers = answers[1:] {
		if _, _, err := wechat(t, strings.TrimPrefix(server.URL, "http://"), "ledger", "export", "--file", target); err == nil {
			t.Errorf("%q was taken for a ledger", answers[0])
		}
		if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is in the file", answers[0])
		}
	}
}

// Ctrl+C stops between two lines and says where.
func TestLedgerImportInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody looks whether the caller is there
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	c, err := (&endpoint{address: strings.TrimPrefix(server.URL, "http://")}).client()
	if err != nil {
		t.Fatal(err)
	}
	m := &ledgerImport{client: c, file: file(t, header, line(0)), from: 2, batch: new(bytes.Buffer)}
	if err := m.run(ctx, new(bytes.Buffer)); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "--from-line 2") {
		t.Errorf("error %v", err)
	}
}

// On a terminal there is a bar; it goes away at the end.
func TestProgress(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	p := &progress{w: &screen, total: 200}
	p.at(100, 7)
	p.at(101, 8) // too soon
	p.shown = p.shown.Add(-time.Second)
	p.at(300, 20)
	p.end()
	if want := "\r[===============               ]  50 %  7 lines \r[==============================] 100 %  20 lines \r\x1b[K"; screen.String() != want {
		t.Errorf("showed %q", screen.String())
	}
	screen.Reset()
	p = &progress{w: &screen}
	p.at(100, 7)
	if screen.String() != "\r7 lines " {
		t.Errorf("showed %q", screen.String())
	}
	if newProgress(&screen, 1).w != nil {
		t.Error("shown on what is no terminal")
	}
}
