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
	for _, length := range []int{30, 100, sturdyQR, sturdyQR + 1, maxQR} {
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
		url   string
		shown bool
		qr    string // what the code opens
		lead  string
	}{
		{base, true, base, "lead"},
		{base + "?q=%E8%8C%B6&x=1#/y", true, base + "?q=%E8%8C%B6&x=1#/y", "lead"},
		{base + strings.Repeat("a", sturdyQR-len(base)), true, base + strings.Repeat("a", sturdyQR-len(base)), "lead"},
		{base + strings.Repeat("a", sturdyQR+1-len(base)), true, base, "lead_front"},
		{base + "?" + strings.Repeat("a", maxLink-len(base)-1), true, base, "lead_front"},
		{"https://shop.example.com:8443?" + strings.Repeat("a", sturdyQR), true, "https://shop.example.com:8443/", "lead_front"},
		{"https://" + strings.Repeat("a", sturdyQR) + "/", true, "", "lead_link"},
		{base + strings.Repeat("a", maxLink), false, "", "lead_lost"},
		{"", false, "", "lead_lost"},
		{"javascript:alert(1)", false, "", "lead_lost"},
	} {
		t.Run(fmt.Sprintf("%.40s/%d", c.url, len(c.url)), func(t *testing.T) {
			t.Parallel()
			body := get(t, Page{Kind: OpenInWeChat, URL: c.url}, english).Body.Bytes()
			all, text := elements(t, body)
			if got := c.url != "" && strings.Contains(text, c.url); got != c.shown {
				t.Errorf("the address is shown: %t", got)
			}
			if got := strings.Contains(string(body), `<div class="qr`); got != (c.qr != "") {
				t.Errorf("there is a QR code: %t", got)
			}
			if c.qr != "" && !strings.Contains(string(body), string(drawQR(c.qr))) {
				t.Error("the QR code says something else")
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

// A stranger chooses the address. The page must not cost the more the longer it
// is.
func TestAttackLongAddressesAreCheap(t *testing.T) {
	t.Parallel()
	const base, limit = "https://shop.example.com/", 24 << 10
	for _, length := range []int{sturdyQR, sturdyQR + 1, 1900, maxLink} {
		t.Run(strconv.Itoa(length), func(t *testing.T) {
			t.Parallel()
			p := Page{Kind: OpenInWeChat, Site: "shop.example.com", URL: base + strings.Repeat("a", length-len(base))}
			if size := get(t, p, chinese).Body.Len() - length; size > limit {
				t.Errorf("%d bytes beside the address, want at most %d", size, limit)
			}
		})
	}
}

// A layout of the operator that knows nothing of the front page says what its
// code opens, too.
func TestFrontPageInAnOlderLayout(t *testing.T) {
	t.Parallel()
	files := folder(map[string]string{"page.html": `<html><head>{{.Style}}</head><body><p>{{.T "lead"}}</p>{{if .QR}}<b class="qr{{if .Dense}} dense{{end}}">{{.T "qr"}}{{.QR}}</b>{{end}}</body></html>`})
	theme, err := LoadTheme(files)
	if err != nil {
		t.Fatal(err)
	}
	const base = "https://shop.example.com/"
	body := get(t, Page{Kind: OpenInWeChat, Theme: theme, URL: base + strings.Repeat("a", sturdyQR)}, english).Body.String()
	words := builtin().texts[OpenInWeChat]
	for _, want := range []string{words["lead_front"].English, words["qr_front"].English, string(drawQR(base))} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %.80q", want)
		}
	}
}
