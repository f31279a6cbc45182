package test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// frameBrowser is a desktop whose frames live in the process of their page,
// where they can be looked into. What they may do, and which cookies they get,
// is as ever.
func (w *world) frameBrowser() *browser {
	w.t.Helper()
	b := startChromium(w.t, map[string]string{
		"user-agent": desktopUA, "window-size": "1280,1000", "ignore-certificate-errors-spki-list": w.pins(),
		"disable-site-isolation-trials": "", "disable-features": "IsolateOrigins,site-per-process",
	})
	b.world = w
	return b
}

// inFrame evaluates an expression in the frame whose address contains part.
func (b *browser) inFrame(part, expression string, result any) error {
	ctx, cancel := context.WithTimeout(b.ctx, browserLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		tree, err := page.GetFrameTree().Do(ctx)
		if err != nil {
			return fmt.Errorf("frames: %w", err)
		}
		for _, child := range tree.ChildFrames {
			if !strings.Contains(child.Frame.URL, part) {
				continue
			}
			world, err := page.CreateIsolatedWorld(child.Frame.ID).Do(ctx)
			if err != nil {
				return fmt.Errorf("frame %s: %w", part, err)
			}
			value, failed, err := runtime.Evaluate(expression).WithContextID(world).WithReturnByValue(true).Do(ctx)
			if err != nil || failed != nil {
				return fmt.Errorf("in the frame %s: %v %w", part, failed, err)
			}
			return json.Unmarshal(value.Value, result)
		}
		return fmt.Errorf("there is no frame %s", part)
	}))
}

// frameIs waits until an expression is true in a frame.
func (b *browser) frameIs(part, expression string) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(browserLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var yes bool
		if err = b.inFrame(part, "document.readyState === 'complete' && !!("+expression+")", &yes); err == nil && yes {
			return
		}
	}
	b.t.Fatalf("never in a frame %s: %s (%v)\n%s", part, expression, err, b.situation())
}

// frameTap taps what a selector finds in a frame, where it is on the screen.
func (b *browser) frameTap(part, selector string) {
	b.t.Helper()
	b.frameIs(part, fmt.Sprintf("document.querySelector(%q)", selector))
	var inner, outer struct{ X, Y float64 }
	if err := b.inFrame(part, fmt.Sprintf("(e => (e.scrollIntoView({block: 'center', behavior: 'instant'}), r = e.getBoundingClientRect(), {x: r.x + r.width / 2, y: r.y + r.height / 2}))(document.querySelector(%q))", selector), &inner); err != nil {
		b.t.Fatal(err)
	}
	if err := b.js("(r => ({x: r.x, y: r.y}))(document.querySelector('iframe').getBoundingClientRect())", &outer); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.MouseClickXY(outer.X+inner.X, outer.Y+inner.Y))
}
