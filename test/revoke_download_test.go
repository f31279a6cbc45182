package test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// fileSize is more than any buffer on the way takes.
const fileSize = 1 << 30

// Attack: who is signed out goes on with a download that began before. Caddy's
// file server looks at no context, and the client reads slowly, or not at all.
func TestRevokedDownloadsEnd(t *testing.T) {
	w := newWorld(t)
	folder := t.TempDir()
	file, err := os.Create(filepath.Join(folder, "film"))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(fileSize); err != nil { // sparse
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	proxy := "handle /film {\n\t\troot * " + folder + "\n\t\tfile_server\n\t}\n\treverse_proxy " + w.app.address()
	w.app.answer(longApp)
	w.load(w.caddyfile(options{account: pushAccount, proxy: proxy}))
	pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
	v := w.visitor("ming")
	v.signIn(w.site + "/none")
	type end struct {
		name string
		read int64
		at   time.Time
	}
	ends, pauses := make(chan end), map[string]time.Duration{"read slowly": 20 * time.Millisecond, "not read": time.Hour}
	revoked := make(chan struct{})
	for _, path := range []string{"/film", "/download"} {
		for how, pause := range pauses {
			body := v.begin(t, w.site+path)
			go func() {
				e := end{name: path + " " + how}
				buffer := make([]byte, 64<<10)
				for {
					n, err := body.Read(buffer)
					if e.read += int64(n); err != nil {
						break
					}
					select {
					case <-time.After(pause):
					case <-revoked: // what is still in buffers
					}
				}
				e.at = time.Now()
				ends <- e
			}()
		}
	}
	time.Sleep(300 * time.Millisecond)
	since := time.Now()
	if pushed, err := w.wechat.PushRevoke("ming", appID); err != nil || !pushed.Accepted {
		t.Fatalf("%+v %v", pushed, err)
	}
	time.Sleep(goneWithin - time.Since(since))
	close(revoked)
	for range 2 * len(pauses) {
		select {
		case e := <-ends:
			t.Logf("%s: ended after %v and %d KiB", e.name, e.at.Sub(since).Round(time.Millisecond), e.read>>10)
			if e.read > fileSize/4 {
				t.Errorf("%s: %d MiB were read", e.name, e.read>>20)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a download goes on")
		}
	}
}

// begin begins a download, and returns what is to be read of it.
func (v *visitor) begin(t *testing.T, address string) io.ReadCloser {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", phoneUA)
	r.Header.Set("Cookie", "wechat="+v.cookie(address, "wechat"))
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.ContentLength != fileSize {
		t.Fatalf("%s: %s, %d bytes", address, response.Status, response.ContentLength)
	}
	return response.Body
}
