package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// After an erasure, the console's memory has nothing of the person. The texts
// are written backwards here, so that the test does not find its own.
func TestConsoleMemoryForgets(t *testing.T) {
	// Memory that is freed and used again, by something shorter, would keep the
	// end of what it was. The runtime reads its settings at its start alone.
	if clobber := "clobberfree=1"; !strings.Contains(os.Getenv("GODEBUG"), clobber) {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestConsoleMemoryForgets$", "-test.count=1", "-test.v")
		again.Env = append(os.Environ(), "GODEBUG="+clobber)
		if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestConsoleMemoryForgets") {
			t.Fatalf("in a process of its own: %v\n%s", err, out)
		}
		return
	}
	// Longer than 32 bytes: a shorter text would stay on this function's stack.
	const emankcin = "f1c7-emankcin-saw-siht-ereht-eman-resu-gnol-a-fo-eman" // nickname
	id := strings.Repeat("b", 26)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == "/wechat/persons/"+id:
			fmt.Fprintf(w, `{"id":%q,"nickname":%q,"unionid":%[2]q}`, id, backwards(emankcin))
		default:
			fmt.Fprint(w, "null") // empty, whatever was asked for
		}
	}))
	c := openConsole(t, strings.TrimPrefix(server.URL, "http://"))
	if _, body := c.get(c.base + "/persons/" + id); strings.Count(body, backwards(emankcin)) < 2 {
		t.Fatalf("the page does not show the person: %s", body)
	}
	if answer, body := c.post("/persons", url.Values{"by": {"unionid"}, "for": {backwards(emankcin)}}); answer.StatusCode != http.StatusOK {
		t.Fatalf("the search: %d %s", answer.StatusCode, body)
	}
	if answer, body := c.get(c.base + "/persons/" + id + "/export"); answer.StatusCode != http.StatusOK || !strings.Contains(body, backwards(emankcin)) {
		t.Fatalf("the export: %d %s", answer.StatusCode, body)
	}
	if answer, body := c.post("/persons/"+id+"/erase", url.Values{"word": {id[:6]}}); answer.StatusCode != http.StatusOK || !strings.Contains(body, "The person is erased") {
		t.Fatalf("the erasure: %d %s", answer.StatusCode, body)
	}
	server.Close()
	kept := backwards(">--dnuof-eb-ot-sah-dna-gnol-si-siht-txet-a-si-siht") // shows that the search works
	var found int
	for range 20 { // what has ended a moment ago may still hold a buffer; pools are emptied by the second collection
		runtime.GC()
		runtime.GC()
		if found = inMemory(t, emankcin); found == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if found > 0 {
		t.Errorf("the person is in memory %d times", found)
	}
	if inMemory(t, ">--dnuof-eb-ot-sah-dna-gnol-si-siht-txet-a-si-siht") == 0 {
		t.Error("the search in memory finds nothing")
	}
	runtime.KeepAlive(kept)
}

// backwards turns a text around.
func backwards(text string) string {
	letters := []byte(text)
	slices.Reverse(letters)
	return string(letters)
}

// inMemory counts how often the living objects of this process contain a text,
// which is given backwards.
func inMemory(t *testing.T, txet string) (found int) {
	t.Helper()
	dump, err := os.Create(filepath.Join(t.TempDir(), "heap"))
	if err != nil {
		t.Fatal(err)
	}
	defer dump.Close()
	debug.WriteHeapDump(dump.Fd())
	content, err := os.ReadFile(dump.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer clear(content) // the next dump must not find it in this one
	last := len(txet) - 1
	for i := range content {
		n := 0
		for n <= last && i+n < len(content) && content[i+n] == txet[last-n] {
			n++
		}
		if n > last {
			found++
		}
	}
	return found
}
