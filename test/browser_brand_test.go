package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	permissions "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// brandBlock is a brand with every field; its logo is a file of the world's.
func (w *world) brandBlock(color, logo string) string {
	w.t.Helper()
	path := filepath.Join(w.folder, "logo.svg")
	if err := os.WriteFile(path, []byte(logo), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return `brand {
			name "某某商城"
			logo ` + path + `
			color "` + color + `"
			privacy https://localhost:` + w.port + `/privacy
			contact 400-000-0000
		}`
}

const redLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><style>rect{fill:#f00}</style><rect width="40" height="40"/></svg>`

// The consent page in the operator's look: the logo is drawn, its own style
// too; the button has the colour and a readable text; the policy opens, and
// Back leads to the question.
func TestBrowserBrand(t *testing.T) {
	for _, color := range []string{"#07c160", "#c00", "#ffffff", "#000"} {
		t.Run(color, func(t *testing.T) {
			w := newWorld(t)
			site := w.secureSite(options{global: w.brandBlock(color, redLogo), auth: "public /privacy"})
			b := w.phone("ming")
			b.open(site + "/orders?id=7")
			b.meets("consent", "使用微信登录")
			b.sees("某某商城将获得您的")
			b.picture("consent")
			b.is("draws the logo", `(i => i.complete && i.naturalWidth > 0 && i.getBoundingClientRect().height >= 30)(document.querySelector("img.logo"))`)
			b.is("has the colour", `(want => { const e = document.createElement("i"); e.style.color = want; return getComputedStyle(document.querySelector("a.primary")).backgroundColor === e.style.color })(`+quote(color)+`)`)
			b.is("links the number", `document.querySelector('a[href="tel:400-000-0000"]').textContent === "400-000-0000"`)
			b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-contrast", Value: "more"}}))
			b.readable("with more contrast")
			if color != "#07c160" {
				return
			}
			b.tap(".note a")
			b.sees("app: /privacy")
			b.goes(-1)
			b.meets("consent", "使用微信登录")
			b.tap("a.button.primary")
			b.allow()
			b.arrives(site + "/orders?id=7")
		})
	}
}

// Attack: the logo is an SVG with scripts, handlers, a page and addresses of
// other servers. It is shown as a picture, in which nothing of it happens.
func TestBrowserAttackScriptInTheLogo(t *testing.T) {
	w := newWorld(t)
	beacon := w.app.address()
	site := w.secureSite(options{global: w.brandBlock("#07c160", `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 40" onload="parent.document.title='taken'">
<script>parent.document.title='taken';fetch('http://`+beacon+`/script')</script><style>@import url(http://`+beacon+`/style);</style>
<image href="http://`+beacon+`/image" width="9" height="9"/><use xlink:href="http://`+beacon+`/use#x"/><rect width="40" height="40" fill="#f00"/>
<foreignObject width="40" height="40"><body xmlns="http://www.w3.org/1999/xhtml"><img src="http://`+beacon+`/img" onerror="parent.document.title='taken'"/></body></foreignObject>
<a href="javascript:alert(1)"><rect width="40" height="40" fill="#0f0"/></a></svg>`)})
	b := w.phone("ming")
	b.seen.expect("Refused to", "Content Security Policy") // that it is refused is right, and some versions say so
	b.open(site + "/orders?id=7")
	b.meets("consent", "使用微信登录")
	b.is("draws the logo", `document.querySelector("img.logo").naturalWidth > 0`)
	b.tap("img.logo")
	b.is("is still the consent page", `document.title.startsWith("使用微信登录") && location.href.startsWith(`+quote(site+"/orders?id=7")+`)`)
	if got := w.app.take(); len(got) > 0 {
		t.Errorf("the logo has asked for %v", got)
	}
}

// On a phone outside WeChat one tap copies the address, with the clipboard API
// and without it. Where copying does not work, the page says so, and the
// address is selected. Without scripts there is no button that does nothing.
func TestBrowserCopiesTheAddress(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	address := site + "/orders/%E5%95%86%E5%93%81?id=7&b=%2F"
	for name, c := range map[string]struct{ before, want string }{
		"as it is":         {"", "已复制，请到微信中粘贴"},
		"no clipboard API": {`Object.defineProperty(navigator, "clipboard", {value: undefined})`, "已复制，请到微信中粘贴"},
		"only the API":     {`document.execCommand = () => false`, "已复制，请到微信中粘贴"},
		"neither":          {`document.execCommand = () => { throw 1 }; Object.defineProperty(navigator, "clipboard", {value: undefined})`, "没有复制成功，请长按网址复制"},
		"the API refuses":  {`document.execCommand = () => false; navigator.clipboard.writeText = () => Promise.reject(1)`, "没有复制成功，请长按网址复制"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			b := w.chromium(otherPhoneUA, "375,812")
			b.do(phoneScreen())
			b.open(address)
			b.meets("open_in_wechat", "请在微信中打开")
			b.is("shows the button", `document.querySelector(".copy").checkVisibility()`)
			b.picture("copy")
			b.do(mayRead(site))
			read := `window.realRead = navigator.clipboard.readText.bind(navigator.clipboard);`
			b.run(read + c.before)
			b.tap(".copy button")
			b.sees(c.want)
			if strings.HasPrefix(c.want, "没有") {
				b.is("has selected the address", `getSelection().toString() === `+quote(address))
				return
			}
			b.run(`realRead().then(text => window.pasted = text, e => window.pasted = "cannot read: " + e)`)
			b.is("has copied the address", `window.pasted === `+quote(address))
		})
	}
	t.Run("no scripts", func(t *testing.T) {
		w.t = t
		b := w.chromium(otherPhoneUA, "375,812")
		b.do(phoneScreen(), emulation.SetScriptExecutionDisabled(true))
		b.open(address)
		b.do(chromedp.WaitVisible(".address", chromedp.ByQuery))
		b.do(chromedp.WaitNotVisible(".copy", chromedp.ByQuery))
	})
}

// mayRead lets the pages of a site read the clipboard, for the test.
func mayRead(site string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return permissions.SetPermission(&permissions.PermissionDescriptor{Name: "clipboard-read"}, permissions.PermissionSettingGranted).WithOrigin(site).Do(ctx)
	})
}

// All pages in all states, as `wechat pages preview` of the built binary shows
// them: readable by day and by night, nothing is cut off, no policy is
// violated. Ctrl+C ends it.
func TestBrowserPreview(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "wechat-gateway")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/wechat-gateway").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	command := exec.Command(binary, "wechat", "pages", "preview", "--listen", "127.0.0.1:0")
	command.Env = append(command.Environ(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	preview, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(preview.stop)
	if err := preview.until(30*time.Second, func() bool { return strings.Contains(preview.output.String(), "Ctrl+C") }); err != nil {
		t.Fatal(err)
	}
	index := printedAddress.FindString(preview.output.String())

	for size, screen := range map[string]chromedp.Action{"phone": phoneScreen(), "desktop": chromedp.EmulateViewport(1280, 800)} {
		b := startChromium(t, map[string]string{"window-size": "1280,800"})
		b.do(screen)
		b.open(index)
		var paths []string
		if err := b.js(`[...document.querySelectorAll("a")].map(a => a.getAttribute("href"))`, &paths); err != nil || len(paths) < 100 {
			t.Fatalf("%d pages (%v)", len(paths), err)
		}
		b.readable("the index")
		for _, path := range paths {
			if !strings.HasSuffix(path, "/full") {
				continue // the other states have less of the same
			}
			b.open(strings.TrimSuffix(index, "/") + path)
			b.is("fits the screen", "document.documentElement.scrollWidth <= innerWidth")
			b.readable(size + path)
			b.picture(size + strings.ReplaceAll(path, "/", "-"))
		}
	}
	if err := preview.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-preview.ended:
	case <-time.After(browserLimit):
		t.Fatal("Ctrl+C does not end it")
	}
	if code := preview.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it exits with %d after Ctrl+C:\n%s", code, preview.output)
	}
}
