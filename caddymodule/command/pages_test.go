package command

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/caddymodule"
	"github.com/caddy-wechat/gateway/internal/page"
)

// What export writes are the built-in files, and they load as they are.
func TestPagesExport(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "wechat-pages")
	out, err := bare(t, "pages", "export", folder)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "pages "+folder) {
		t.Errorf("it does not say how to use them:\n%s", out)
	}
	written, err := fs.Glob(os.DirFS(folder), "*")
	if err != nil {
		t.Fatal(err)
	}
	builtin, err := fs.Glob(page.Files(), "*")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(written, " ") != strings.Join(builtin, " ") || len(written) < 15 {
		t.Errorf("it wrote %v, want %v", written, builtin)
	}
	for _, name := range written {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := fs.ReadFile(page.Files(), name); err != nil || string(got) != string(want) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
	if _, err := page.LoadTheme(os.DirFS(folder)); err != nil {
		t.Errorf("the folder does not load: %v", err)
	}
}

// Nothing that is there is changed, and nothing is written beside it.
func TestPagesExportNeverOverwrites(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string){
		"a file": func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(t *testing.T, path string) {
			t.Helper()
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"a link to a file that is not there": func(t *testing.T, path string) {
			t.Helper()
			if err := os.Symlink(filepath.Join(filepath.Dir(path), "..", "elsewhere"), path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "pages")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(folder, "texts.json"))
			if out, err := bare(t, "pages", "export", folder); err == nil || !strings.Contains(err.Error(), "texts.json is there already; nothing was written") {
				t.Errorf("%v\n%s", err, out)
			}
			if all, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(all) != 1 {
				t.Errorf("there are %v (%v)", all, err)
			}
			if _, err := os.Lstat(filepath.Join(folder, "..", "elsewhere")); err == nil {
				t.Error("it wrote where the link leads")
			}
		})
	}
	folder := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bare(t, "pages", "export", folder); err == nil {
		t.Error("it wrote into a file")
	}
	if _, err := bare(t, "pages", "export"); err == nil {
		t.Error("no folder is needed")
	}
}

// showing is a preview that runs, of a configuration or of none.
func showing(t *testing.T, config string) (address string) {
	t.Helper()
	p := newPreview(caddymodule.Looks)
	p.config = config
	address, stop, err := p.serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return address
}

// fetch asks a preview, and returns status and body.
func fetch(t *testing.T, method, address, host string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	r.Header.Set("Accept-Language", "fr")
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// Every page in every state and language is linked, and is what it says.
func TestPagesPreview(t *testing.T) {
	address := showing(t, "")
	index, body := fetch(t, http.MethodGet, address+"/", "")
	if index.StatusCode != http.StatusOK || !strings.HasPrefix(index.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		t.Errorf("%s %v\n%.300s", index.Status, index.Header, body)
	}
	links := 0
	for _, look := range []string{"/0", "/1"} {
		for _, s := range page.Samples() {
			for _, lang := range []string{"zh-CN", "en"} {
				links++
				path := strings.Join([]string{look, lang, string(s.Page.Kind), s.State}, "/")
				if !strings.Contains(body, `href="`+path+`"`) {
					t.Errorf("%s is not linked", path)
				}
				response, text := fetch(t, http.MethodGet, address+path, "")
				if response.Header.Get("Content-Language") != lang || !strings.Contains(text, `class="`+string(s.Page.Kind)+`"`) ||
					response.Header.Get("Content-Security-Policy") == "" || strings.Contains(text, "某某商城") != (look == "/1") {
					t.Errorf("%s: %s %.200s", path, response.Status, text)
				}
			}
		}
	}
	if got := strings.Count(body, "href=\"/"); got != links {
		t.Errorf("%d links, want %d", got, links)
	}
}

// With a configuration there are the pages of its sites, as its files are now.
func TestPagesPreviewOfASite(t *testing.T) {
	folder := t.TempDir()
	put := func(name, content string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	texts := put("pages/texts.json", `{"denied":{"title":{"zh-CN":"不行","en":"No way"}}}`)
	config := put("Caddyfile", `{
	wechat {
		official_account {
			app_id {env.NOT_SET_APP_ID}
			app_secret {env.NOT_SET}
		}
		brand {
			name 学校
		}
	}
}
school.example.com {
	wechat_auth {
		pages `+filepath.Dir(texts)+`
	}
}
`)
	address := showing(t, config)
	if _, body := fetch(t, http.MethodGet, address+"/", ""); !strings.Contains(body, "school.example.com") || !strings.Contains(body, `href="/2/en/denied/full"`) {
		t.Errorf("the index lacks the site:\n%.300s", body)
	}
	for path, want := range map[string]string{"/0/en/denied/full": "This account cannot sign in here", "/1/zh-CN/consent/full": "某某商城", "/2/zh-CN/denied/full": "不行", "/2/en/consent/full": "学校"} {
		if _, text := fetch(t, http.MethodGet, address+path, ""); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}

	// A change is there with the next page; so is a mistake, with its reason.
	put("pages/texts.json", `{"denied":{"title":{"en":"Changed"}}}`)
	if _, text := fetch(t, http.MethodGet, address+"/2/en/denied/full", ""); !strings.Contains(text, "Changed") {
		t.Errorf("not read anew:\n%.300s", text)
	}
	put("pages/texts.json", `{"denied":`)
	if response, text := fetch(t, http.MethodGet, address+"/2/en/denied/full", ""); response.StatusCode != 500 || !strings.Contains(text, "texts.json") {
		t.Errorf("%s %.300s", response.Status, text)
	}
	if _, text := fetch(t, http.MethodGet, address+"/", ""); !strings.Contains(text, "texts.json") {
		t.Errorf("the index does not say what is wrong:\n%.300s", text)
	}
	put("pages/texts.json", "{}")
	put("pages/page.html", `<!doctype html>{{.Style}}<h1>{{.T "title"}}</h1>{{.QR}}{{.Number}}{{.Script}}`)
	if _, text := fetch(t, http.MethodGet, address+"/", ""); !strings.Contains(text, "these pages lack necessary parts, so visitors see their built-in layout: follow (") {
		t.Errorf("the index does not say what the layout lacks:\n%.900s", text)
	}
	put("Caddyfile", "{\n\twechat {\n\t\tbrand {\n\t\t\tcolor green\n\t\t}\n\t}\n}\n")
	if response, text := fetch(t, http.MethodGet, address+"/", ""); response.StatusCode != 500 || !strings.Contains(text, "it is not a colour") {
		t.Errorf("%s %.300s", response.Status, text)
	}
}

// Attack: the preview is asked by another machine, by a page of another site
// that has given its name our address, or to do something.
func TestAttackPreviewIsForThisMachine(t *testing.T) {
	address := showing(t, "")
	port := address[strings.LastIndexByte(address, ':')+1:]
	for _, c := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/", "", 200},
		{"GET", "/", "localhost:" + port, 200},
		{"GET", "/", "[::1]", 200},
		{"GET", "/", "localhost", 200},
		{"GET", "/", "evil.example:" + port, 403},
		{"GET", "/", "127.0.0.1.evil.example", 403},
		{"GET", "/0/en/denied/full", "evil.example", 403},
		{"GET", "/", "192.0.2.1", 403},
		{"POST", "/", "", 405},
		{"HEAD", "/", "", 405},
		{"PUT", "/0/en/denied/full", "", 405},
		{"POST", "/_wechat/decline", "", 405},
		{"GET", "/_wechat/login", "", 204},
		{"GET", "/9/en/denied/full", "", 404},
		{"GET", "/0/fr/denied/full", "", 404},
		{"GET", "/0/en/denied/other", "", 404},
		{"GET", "/0/en/denied/full/more", "", 404},
		{"GET", "/0/en/../../etc/passwd", "", 404},
		{"GET", "/style.css", "", 404},
	} {
		if response, _ := fetch(t, c.method, address+c.path, c.host); response.StatusCode != c.want {
			t.Errorf("%s %s for %q: %s, want %d", c.method, c.path, c.host, response.Status, c.want)
		}
	}
	for _, listen := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "[::]:0", "example.com:80", "nonsense"} {
		if out, err := bare(t, "pages", "preview", "--listen", listen); err == nil || !strings.Contains(err.Error(), "only loopback addresses") {
			t.Errorf("--listen %s: %v\n%s", listen, err, out)
		}
	}
}

func TestPagesPreviewMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no such file":   {[]string{"--config", "/not/there"}, "preview: /not/there: open /not/there: no such file"},
		"no site":        {[]string{"--config", file(t, "localhost {", "}"), "--adapter", "caddyfile"}, "no site has wechat_auth"},
		"no adapter":     {[]string{"--config", file(t, ""), "--adapter", "nonsense"}, `there is no adapter "nonsense"`},
		"an endless one": {[]string{"--config", "/dev/zero"}, "larger than 4194304 bytes"},
		"an argument":    {[]string{"Caddyfile"}, "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := bare(t, append([]string{"pages", "preview", "--listen", "127.0.0.1:0"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q\n%s", err, c.want, out)
			}
		})
	}
}
