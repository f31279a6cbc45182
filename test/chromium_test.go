package test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

const chromium = "/usr/bin/chromium"

var screenshots = flag.String("screenshots", "", "an absolute path of a folder for pictures of the pages that browser tests meet")

// browserLimit bounds each thing that a browser is asked for.
const browserLimit = 30 * time.Second

// browser is one tab of a real Chromium, and what was wrong in it.
type browser struct {
	t     *testing.T
	world *world // nil in front of the demo
	ctx   context.Context
	seen  *console
	group int // of processes
}

// phone is a fresh Chromium that calls itself WeChat on an Android phone, held
// by a person.
func (w *world) phone(personID string) *browser {
	w.t.Helper()
	b := w.chromium(androidUA, "375,812")
	b.do(phoneScreen(), b.holds(personID))
	return b
}

func phoneScreen() chromedp.Action {
	return chromedp.EmulateViewport(375, 812, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
}

// desktop is a fresh Chromium without WeChat.
func (w *world) desktop() *browser {
	w.t.Helper()
	return w.chromium(desktopUA, "1280,800")
}

func (w *world) chromium(userAgent, size string) *browser {
	w.t.Helper()
	b := startChromium(w.t, map[string]string{
		"user-agent": userAgent, "window-size": size,
		"ignore-certificate-errors-spki-list": w.pins(),
	})
	b.world = w
	return b
}

// startChromium starts a browser with a profile of its own. It ends with the
// test, and so do all its processes.
func startChromium(t *testing.T, flags map[string]string) *browser {
	t.Helper()
	if err := installed(chromium, "chromium fonts-noto-cjk"); err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.DisableGPU, chromedp.NoSandbox, chromedp.NoFirstRun,
		chromedp.Flag("lang", "zh-CN"), chromedp.Flag("accept-lang", "zh-CN,zh"),
	}
	for _, name := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-default-apps",
		"no-proxy-server", "metrics-recording-only", "disable-breakpad", "hide-scrollbars",
	} {
		options = append(options, chromedp.Flag(name, true))
	}
	for name, value := range flags {
		options = append(options, chromedp.Flag(name, value))
	}
	var command *exec.Cmd
	options = append(options, chromedp.ModifyCmdFunc(func(c *exec.Cmd) { command = c; ownGroup(c) }))
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	// A Chromium newer than the library sends events that it does not know, and
	// the library complains of each: what matters fails a test anyway.
	ctx, endTab := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}), chromedp.WithLogf(func(string, ...any) {}))
	t.Cleanup(func() {
		if command != nil && command.Process != nil {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // the whole group, the renderers too
		}
		endTab()
		endAllocator()
		_ = os.RemoveAll(profile)
	})
	b := &browser{t: t, ctx: ctx, seen: newConsole(t)}
	b.begin()
	b.group = command.Process.Pid
	return b
}

// begin attaches to the tab. The context of the first Run is the tab's life, so
// this one has no limit; the library has its own for starting a browser.
func (b *browser) begin() {
	b.t.Helper()
	b.seen.listen(b.ctx)
	if err := chromedp.Run(b.ctx, network.Enable(), audits.Enable()); err != nil {
		b.t.Fatalf("starting Chromium: %v", err)
	}
}

// tab opens another tab of the same browser.
func (b *browser) tab() *browser {
	b.t.Helper()
	ctx, end := chromedp.NewContext(b.ctx)
	b.t.Cleanup(end)
	other := &browser{t: b.t, world: b.world, ctx: ctx, seen: b.seen, group: b.group}
	other.begin()
	return other
}

// do runs actions, bounded.
func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserLimit)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.situation())
	}
}

// holds says who holds this phone.
func (b *browser) holds(personID string) chromedp.Action {
	cookie := b.world.wechat.PhoneCookie(personID)
	return network.SetCookie(cookie.Name, cookie.Value).WithURL(b.world.sim.URL).WithHTTPOnly(true)
}

// pins is what makes Chromium trust Caddy's own authority: the digest of the
// intermediate's public key. "" where there is none: plain http.
func (w *world) pins() string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.folder, "storage/pki/authorities/local/intermediate.crt"))
	if err != nil {
		return ""
	}
	block, _ := pem.Decode(text)
	if block == nil {
		w.t.Fatal("no PEM in Caddy's intermediate certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	digest := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(digest[:])
}

// cookies returns what the browser keeps for a site.
func (b *browser) cookies(site string) []*network.Cookie {
	b.t.Helper()
	var cookies []*network.Cookie
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		cookies, err = network.GetCookies().WithURLs([]string{site}).Do(ctx)
		return err
	}))
	return cookies
}

// forgets removes a site's cookies, as browsers do at will, and leaves those of
// the others.
func (b *browser) forgets(site string) {
	b.t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		b.t.Fatal(err)
	}
	cookies := b.cookies(site)
	if len(cookies) == 0 {
		b.t.Fatalf("no cookies of %s to forget", site)
	}
	for _, cookie := range cookies {
		b.do(network.DeleteCookies(cookie.Name).WithDomain(u.Hostname()).WithPath(cookie.Path))
	}
}
