package test

import (
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// lowContrast lists the texts on the screen that are harder to read than WCAG 2
// level AA allows: 4.5:1, and 3:1 for large ones. It reads the colours that the
// browser computed, over the background that the browser painted.
const lowContrast = `(() => {
	const channels = c => { const n = c.match(/[\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
	const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
	const dark = matchMedia('(prefers-color-scheme: dark)').matches;
	const behind = e => {
		const layers = [];
		for (; e; e = e.parentElement) {
			layers.push(channels(getComputedStyle(e).backgroundColor));
			if (layers.at(-1)[3] === 1) break;
		}
		return layers.reverse().reduce((under, top) => over(top, under), dark ? [18, 18, 18] : [255, 255, 255]);
	};
	const light = c => c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const found = [];
	const check = (e, style, text) => {
		const under = behind(e), a = light(over(channels(style.color), under)), b = light(under);
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if (ratio < (large ? 3 : 4.5)) found.push((dark ? 'dark' : 'light') + ' ' + ratio.toFixed(2) + ' <' + e.localName + '> ' + text.trim().slice(0, 40));
	};
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement, text = walk.currentNode.data;
		if (text.trim() && !e.closest('script, style, noscript, option') && e.checkVisibility()) check(e, getComputedStyle(e), text);
	}
	for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
		if (!e.checkVisibility()) continue;
		check(e, getComputedStyle(e), e.value || e.name);
		if (e.placeholder) check(e, getComputedStyle(e, '::placeholder'), e.placeholder);
	}
	return found;
})()`

// readable checks the contrast of all texts on the screen, by day and by night.
func (b *browser) readable(name string) {
	b.t.Helper()
	for _, scheme := range []string{"dark", "light"} {
		b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		var found []string
		err := b.js(lowContrast, &found)
		// A page that goes on by itself leaves nothing to look at for a moment.
		for deadline := time.Now().Add(browserLimit); err != nil && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			err = b.js(lowContrast, &found)
		}
		if err != nil {
			b.t.Fatalf("%s: %v\n%s", name, err, b.situation())
		}
		if len(found) > 0 {
			b.t.Errorf("%s has texts of low contrast:\n%s", name, strings.Join(found, "\n"))
		}
	}
	b.do(chromedp.ActionFunc(emulation.SetEmulatedMedia().Do))
}
