package page

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"
)

var (
	plateForm  = regexp.MustCompile(`^<svg viewBox="0 0 (\d+) (\d+)" [^>]*><path fill="#fff" d="M0 0h(\d+)v(\d+)H0z"/><path fill="#000" d="([^"]*)"/></svg>$`)
	moduleForm = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
)

// modules reads a drawing back: its side and its dark modules.
func modules(t *testing.T, svg string) (side int, dark map[[2]int]bool) {
	t.Helper()
	m := plateForm.FindStringSubmatch(svg)
	if m == nil || m[1] != m[2] || m[1] != m[3] || m[1] != m[4] {
		t.Fatalf("not a drawing: %.200s", svg)
	}
	if rest := moduleForm.ReplaceAllString(m[5], ""); rest != "" {
		t.Fatalf("not modules: %.80s", rest)
	}
	dark = map[[2]int]bool{}
	for _, run := range moduleForm.FindAllStringSubmatch(m[5], -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(run[i+1])
		}
		if n[2] != n[3] || n[2] < 1 {
			t.Fatalf("a run that does not close: %s", run[0])
		}
		for i := range n[2] {
			dark[[2]int{n[0] + i, n[1]}] = true
		}
	}
	side, _ = strconv.Atoi(m[1])
	return side, dark
}

func TestQR(t *testing.T) {
	t.Parallel()
	for _, length := range []int{30, 100, sturdyQR, sturdyQR + 1, 1000, maxQR} {
		text := "https://shop.example.com/"
		text += strings.Repeat("a", length-len(text))
		level := qr.M
		if length > 300 {
			level = qr.L
		}
		code, err := qr.Encode(text, level)
		if err != nil {
			t.Fatal(err)
		}
		side, dark := modules(t, string(drawQR(text)))
		if side != code.Size+8 {
			t.Errorf("%d bytes: %d modules wide, want %d and a quiet zone of 4", length, side, code.Size)
		}
		for y := range side {
			for x := range side {
				if want := code.Black(x-4, y-4); dark[[2]int{x, y}] != want {
					t.Fatalf("%d bytes: module %d,%d is dark: %t, want %t", length, x, y, !want, want)
				}
			}
		}
	}
}

func TestOpenInWeChat(t *testing.T) {
	t.Parallel()
	const base = "https://shop.example.com/"
	for _, c := range []struct {
		url       string
		shown, qr bool
		dense     bool
		lead      string
	}{
		{base, true, true, false, "lead"},
		{base + "?q=%E8%8C%B6&x=1#/y", true, true, false, "lead"},
		{base + strings.Repeat("a", maxQR-len(base)), true, true, true, "lead"},
		{base + strings.Repeat("a", maxQR+1-len(base)), true, false, true, "lead_link"},
		{base + strings.Repeat("a", maxLink), false, false, false, "lead_lost"},
		{"", false, false, false, "lead_lost"},
		{"javascript:alert(1)", false, false, false, "lead_lost"},
	} {
		t.Run(fmt.Sprintf("%.40s/%d", c.url, len(c.url)), func(t *testing.T) {
			t.Parallel()
			body := get(t, Page{Kind: OpenInWeChat, URL: c.url}, english).Body.Bytes()
			all, text := elements(t, body)
			if got := c.url != "" && strings.Contains(text, c.url); got != c.shown {
				t.Errorf("the address is shown: %t", got)
			}
			if got := strings.Contains(string(body), `<div class="qr`); got != c.qr {
				t.Errorf("there is a QR code: %t", got)
			}
			if c.qr && !strings.Contains(string(body), string(drawQR(c.url))) {
				t.Error("the QR code says something else")
			}
			if got := strings.Contains(string(body), `class="qr dense"`); got != (c.dense && c.qr) {
				t.Errorf("the QR code is drawn large: %t", got)
			}
			if lead := builtin().texts[OpenInWeChat][c.lead].English; !strings.Contains(text, lead) {
				t.Errorf("the page does not say %q", lead)
			}
			if _, there := attr(all, "a", "href"); there {
				t.Error("the address is a link")
			}
		})
	}
	if drawQR("") != "" {
		t.Error("a code that says nothing")
	}
}
