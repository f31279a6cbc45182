package page

import (
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
)

const brandPrivacy = "https://shop.example.com/privacy?lang=zh&v=2"

// shop is a brand with every field.
func shop() Brand {
	return Brand{Name: "某某商城", Logo: []byte(plainLogo), Color: "#07c160", Privacy: brandPrivacy, Contact: "400-000-0000"}
}

const plainLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>`

func themeOf(tb testing.TB, base *Theme, b Brand) *Theme {
	tb.Helper()
	theme, err := base.WithBrand(b)
	if err != nil {
		tb.Fatal(err)
	}
	return theme
}

// withBrand returns a page with every field and every part of a brand.
func withBrand(tb testing.TB, kind Kind) Page {
	tb.Helper()
	p := full(kind)
	p.Theme = themeOf(tb, nil, shop())
	return p
}

func brandRules(tb testing.TB) string {
	tb.Helper()
	rules, err := brandStyle(shop().Color)
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

// Every page shows whose it is, and how to reach the operator; the policy
// allows the stylesheet with the colour, and nothing more.
func TestBrandIsOnEveryPage(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, lang := range []language{chinese, english} {
			t.Run(string(kind)+"/"+string(lang), func(t *testing.T) {
				t.Parallel()
				w := get(t, withBrand(t, kind), lang)
				checkHeader(t, w, lang)
				checkSafe(t, w)
				all, text := elements(t, w.Body.Bytes())
				src, _ := attr(all, "img", "src")
				if want := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(plainLogo)); src != want {
					t.Errorf("the logo is %.60q, want %q", src, want)
				}
				for _, want := range []string{"某某商城", "shop.example.com", "400-000-0000", ".primary{background:#07c160;color:#000000}"} {
					if !strings.Contains(text, want) {
						t.Errorf("the page has no %s", want)
					}
				}
				for _, want := range []string{`href="` + html.EscapeString(brandPrivacy) + `"`, `href="tel:400-000-0000"`} {
					if !strings.Contains(w.Body.String(), want) {
						t.Errorf("the page has no link %s", want)
					}
				}
			})
		}
	}
}

// The law wants to be told who collects what and why, and where the policy is,
// before the visitor consents.
func TestConsentSaysWhoCollects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		brand Brand
		lang  language
		want  []string
		never []string
	}{
		{"all of it", shop(), chinese, []string{"登录后，某某商城将获得您的：", "信息由谁收集和使用", "某某商城", "联系方式：400-000-0000", "这些信息如何使用、保存和删除，请看《隐私政策》"}, nil},
		{"in English", shop(), english, []string{"When you sign in, 某某商城 receives:", "Who receives and uses it", "Contact: 400-000-0000", "How this information is used, kept and deleted: Privacy policy"}, nil},
		{"a Latin name", Brand{Name: "Shop 24"}, chinese, []string{"登录后，Shop 24 将获得您的："}, []string{"隐私政策", "联系方式"}},
		{"half Latin", Brand{Name: "A店"}, chinese, []string{"登录后，A店将获得您的："}, nil},
		{"full-width bracket", Brand{Name: "商城（深圳）"}, chinese, []string{"登录后，商城（深圳）将获得您的："}, nil},
		{"only a contact", Brand{Contact: "微信群 7"}, chinese, []string{"登录后，shop.example.com 将获得您的：", "信息由谁收集和使用", "联系方式：微信群 7"}, []string{"隐私政策"}},
		{"nothing", Brand{}, chinese, []string{"登录后，shop.example.com 将获得您的："}, []string{"信息由谁收集", "隐私政策", "联系方式"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := full(Consent)
			p.Theme = themeOf(t, nil, c.brand)
			_, text := elements(t, get(t, p, c.lang).Body.Bytes())
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			for _, never := range c.never {
				if strings.Contains(text, never) {
					t.Errorf("the page says %q", never)
				}
			}
		})
	}
}

// A site without a brand has the pages that it had.
func TestNoBrandChangesNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		p := full(kind)
		want := get(t, p, chinese)
		p.Theme = themeOf(t, nil, Brand{})
		got := get(t, p, chinese)
		if got.Body.String() != want.Body.String() || got.Header().Get("Content-Security-Policy") != want.Header().Get("Content-Security-Policy") {
			t.Errorf("%s differs", kind)
		}
	}
}

// The brand lies over files of the operator, and over the built-in page that
// stands in for one that fails.
func TestBrandOverOwnFiles(t *testing.T) {
	t.Parallel()
	own, err := LoadTheme(folder(map[string]string{
		"style.css": "h1{color:#c33}",
		"page.html": `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<h1>{{.Name}}</h1>{{.Logo}}<p>{{.T "lead"}}</p>
			<a href="{{.Privacy}}">own link</a>{{with .Contact}}<a href="{{.Href}}">{{.Text}}</a>{{end}}{{if eq .Reference "boom"}}{{.T "no such text"}}{{end}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := full(Denied)
	p.Theme = themeOf(t, own, shop())
	w := get(t, p, chinese)
	checkHeader(t, w, chinese)
	body := w.Body.String()
	for _, want := range []string{"<style>h1{color:#c33}\n", "background:#07c160", "<h1>某某商城</h1>", "own link", `href="tel:400-000-0000"`, "data:image/svg"} {
		if !strings.Contains(body, want) {
			t.Errorf("the own page has no %s:\n%s", want, body)
		}
	}
	p.Reference = "boom"
	w = get(t, p, chinese)
	checkHeader(t, w, chinese)
	if body := w.Body.String(); !strings.Contains(body, "<main") || !strings.Contains(body, "background:#07c160") || !strings.Contains(body, "登录某某商城。") {
		t.Errorf("the page that stands in has no brand:\n%s", body)
	}
	if body := get(t, Page{Kind: Denied, Theme: own}, chinese).Body.String(); strings.Contains(body, "某某商城") {
		t.Error("the theme without a brand has changed")
	}
}

// A layout of the operator that is older than the brand has no link to the
// policy: visitors get the built-in page, where they can read it.
func TestConsentWithoutTheLinkIsNotShown(t *testing.T) {
	t.Parallel()
	own, err := LoadTheme(folder(map[string]string{"page.html": `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<h1>old</h1>`}))
	if err != nil {
		t.Fatal(err)
	}
	for _, privacy := range []string{"", brandPrivacy, "https://shop.example.com/a+b'(1)'?x=%20&y=1;2#z"} {
		for _, kind := range []Kind{Consent, Denied} {
			b := shop()
			b.Privacy = privacy
			p := full(kind)
			p.Theme = themeOf(t, own, b)
			got := strings.Contains(get(t, p, chinese).Body.String(), "<h1>old</h1>")
			if want := privacy == "" || kind == Denied; got != want {
				t.Errorf("%s with %q: own layout %t, want %t", kind, privacy, got, want)
			}
			linked, err := LoadTheme(folder(map[string]string{"page.html": `<!doctype html>{{.Style}}<h1>new</h1><a href="{{.Privacy}}">x</a>`}))
			if err != nil {
				t.Fatal(err)
			}
			p.Theme = themeOf(t, linked, b)
			if body := get(t, p, chinese).Body.String(); !strings.Contains(body, "<h1>new</h1>") {
				t.Errorf("%s with %q: the own layout with the link is not shown", kind, privacy)
			}
		}
	}
}

// Attack: a value of the brand runs a script, leaves the page's element, or
// leads elsewhere than it looks.
func TestAttackHostileBrand(t *testing.T) {
	t.Parallel()
	fields := map[string]func(*Brand, string){
		"name":    func(b *Brand, s string) { b.Name = s },
		"logo":    func(b *Brand, s string) { b.Logo = []byte(s) },
		"color":   func(b *Brand, s string) { b.Color = s },
		"privacy": func(b *Brand, s string) { b.Privacy = s },
		"contact": func(b *Brand, s string) { b.Contact = s },
	}
	more := []string{
		"tel:1234567;ext=javascript:alert(1)", "tel:javascript:alert(1)", "mailto:a@b.example?bcc=evil@evil.example", "mailto:a@b.example%0d%0abcc:x",
		"mailto:javascript:alert(1)", "MAILTO:a@b.example&body=x", "#fff;}*{background:url(//evil.example)", "#ffff", "red", "rgb(0,0,0)", "#07c160}",
		"expression(alert(1))", "https://shop.example.com@evil.example/", "ftp://shop.example.com/", "https:///x", "https://:443/", "/privacy", "https://a b/",
		"\u202eshop", "shop\u2066", "a\u200bb", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
	}
	for field, set := range fields {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			for _, s := range append(hostile[:len(hostile):len(hostile)], more...) {
				b := shop()
				set(&b, s)
				theme, err := (*Theme)(nil).WithBrand(b)
				if err != nil {
					if b.Check() == nil || !strings.Contains(err.Error(), "brand: "+field+": ") {
						t.Errorf("%q: the error %v does not name the field", s, err)
					}
					continue
				}
				for _, kind := range []Kind{Consent, OpenInWeChat, ScanConfirm, Denied} {
					p := full(kind)
					p.Theme = theme
					w := get(t, p, english)
					body := strings.ReplaceAll(w.Body.String(), `href="`+html.EscapeString(b.Privacy)+`"`, `href="`+html.EscapeString(brandPrivacy)+`"`)
					w.Body.Reset()
					w.Body.WriteString(body)
					checkSafe(t, w)
				}
			}
		})
	}
}

func TestBrandMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		brand Brand
		want  string
	}{
		"a long name":             {Brand{Name: strings.Repeat("商", 41)}, "name: it has 41 characters, at most 40 are shown"},
		"a placeholder":           {Brand{Name: "{site}"}, "name: it has a character that is not shown, or one of { }"},
		"GBK":                     {Brand{Name: gbk}, "name: it is not UTF-8 (GBK, perhaps); save the file as UTF-8"},
		"GBK through Caddy":       {Brand{Contact: "\ufffd\ufffd 400"}, "contact: it is not UTF-8"},
		"two lines":               {Brand{Contact: "a\nb"}, "contact: it has a character"},
		"a long contact":          {Brand{Contact: strings.Repeat("1", 61)}, "contact: it has 61 characters, at most 60 are shown"},
		"no number":               {Brand{Contact: "tel:us"}, "contact: tel: needs a phone number"},
		"no address":              {Brand{Contact: "mailto:us"}, "contact: mailto: needs an e-mail address"},
		"a name of a colour":      {Brand{Color: "green"}, `color: it is not a colour like "#07c160" or "#0c6"`},
		"four digits":             {Brand{Color: "#07c1"}, "color: it is not a colour"},
		"no scheme":               {Brand{Privacy: "shop.example.com/privacy"}, "privacy: it is not an address like https://shop.example.com/privacy"},
		"a script":                {Brand{Privacy: "javascript:alert(1)"}, "privacy: it is not an address"},
		"a user":                  {Brand{Privacy: "https://shop.example.com@evil.example/"}, "privacy: it is not an address"},
		"Chinese not percent":     {Brand{Privacy: "https://shop.example.com/隐私"}, "privacy: it is not an address"},
		"a long address":          {Brand{Privacy: "https://shop.example.com/" + strings.Repeat("a", maxPrivacy)}, "privacy: it is not an address"},
		"a large logo":            {Brand{Logo: []byte(strings.Repeat(" ", MaxLogo+1))}, "logo: the file is larger than 64 KiB"},
		"no picture":              {Brand{Logo: []byte("\n")}, "logo: the file has no picture"},
		"a GIF":                   {Brand{Logo: []byte("GIF89a")}, "logo: the file is not PNG, JPEG, WebP or SVG"},
		"a page":                  {Brand{Logo: []byte("<html></html>")}, "logo: the file begins with <html>, not with <svg>"},
		"a broken PNG":            {Brand{Logo: []byte("\x89PNG\r\n\x1a\n")}, "logo: the picture is broken"},
		"a broken JPEG":           {Brand{Logo: []byte("\xff\xd8\xff\xe0")}, "logo: the picture is broken"},
		"a WebP cut off":          {Brand{Logo: webp("VP8X", 10, 10)[:29]}, "logo: the file is not PNG, JPEG, WebP or SVG"},
		"a WebP that says more":   {Brand{Logo: append([]byte("RIFF\xff\x00\x00\x00"), webp("VP8X", 10, 10)[8:]...)}, "logo: the picture is broken: the file is cut off"},
		"a sound":                 {Brand{Logo: []byte("RIFF\x24\x00\x00\x00WAVEfmt                     ")}, "logo: the file is not PNG"},
		"a very wide PNG":         {Brand{Logo: pngHeader(4000, 9)}, "logo: the picture has 4000 × 9 pixels, at most 2048 × 2048"},
		"a very wide WebP":        {Brand{Logo: webp("VP8X", 9, 4000)}, "logo: the picture has 9 × 4000 pixels"},
		"a very wide lossless":    {Brand{Logo: webp("VP8L", 4000, 9)}, "logo: the picture has 4000 × 9 pixels"},
		"a very wide lossy":       {Brand{Logo: webp("VP8 ", 4000, 9)}, "logo: the picture has 4000 × 9 pixels"},
		"an SVG without xmlns":    {Brand{Logo: []byte("<svg/>")}, `logo: <svg> has no xmlns="http://www.w3.org/2000/svg"`},
		"an SVG with entities":    {Brand{Logo: []byte(`<!DOCTYPE svg [<!ENTITY a "b">]>` + plainLogo)}, "logo: the SVG declares entities"},
		"an SVG that is not shut": {Brand{Logo: []byte(strings.TrimSuffix(plainLogo, "</svg>"))}, "logo: line 1: the SVG is not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.brand.Check()
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if _, err := (*Theme)(nil).WithBrand(c.brand); err == nil {
				t.Error("a theme has this brand")
			}
		})
	}
}

func TestContactLinks(t *testing.T) {
	t.Parallel()
	for contact, want := range map[string]link{
		"400-000-0000":             {"400-000-0000", "tel:400-000-0000"},
		"+86 (755) 8376 5566":      {"+86 (755) 8376 5566", "tel:+8675583765566"},
		"tel:400-000-0000":         {"400-000-0000", "tel:400-000-0000"},
		"TEL: 12345":               {"12345", "tel:12345"},
		"help@shop.example.com":    {"help@shop.example.com", "mailto:help@shop.example.com"},
		"mailto:a.b+c@example.com": {"a.b+c@example.com", "mailto:a.b+c@example.com"},
		"400-000-0000 转 8":         {"400-000-0000 转 8", ""},
		"客服微信 shop24":              {"客服微信 shop24", ""},
		"1234":                     {"1234", ""},
		"a@b":                      {"a@b", ""},
		"https://shop.example.com": {"https://shop.example.com", ""},
		" ":                        {},
	} {
		if got, err := contactLink(strings.TrimSpace(contact)); got != want || err != nil {
			t.Errorf("%q: %+v (%v), want %+v", contact, got, err, want)
		}
	}
}

// Whatever the colour: the text on the button is readable (WCAG 2, level AA),
// before it is pressed and while it is.
func TestButtonTextIsReadable(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`\.primary\{background:(#[0-9a-f]{6});color:(#[0-9a-f]{6})[^}]*\}\n\.primary:active\{background:(#[0-9a-f]{6})\}`)
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				style, err := brandStyle(fmt.Sprintf("#%02x%02x%02x", r, g, b))
				m := rule.FindStringSubmatch(style)
				if err != nil || m == nil {
					t.Fatalf("%s (%v)", style, err)
				}
				var colors [3]rgb
				for i := range colors {
					if colors[i], err = parseColor(m[i+1]); err != nil {
						t.Fatal(err)
					}
				}
				if got, pressed := contrast(colors[0], colors[1]), contrast(colors[2], colors[1]); got < 4.5 || pressed < got {
					t.Errorf("%s on %s: contrast %.2f, pressed %.2f", m[2], m[1], got, pressed)
				}
			}
		}
	}
	for color, want := range map[string]string{
		"#fff": "background:#ffffff;color:#000000;box-shadow", "#17191b": "background:#17191b;color:#ffffff;box-shadow", // edges on a card of the same colour
		"#C00": "background:#cc0000;color:#ffffff}", "07c160": "background:#07c160;color:#000000}",
	} {
		if style, err := brandStyle(color); err != nil || !strings.Contains(style, want) {
			t.Errorf("%s: %s (%v), want %s", color, style, err, want)
		}
	}
}

func TestLogoFormats(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file []byte
		kind string
	}{
		"PNG":                  {pngHeader(96, 96), "image/png"},
		"lossy WebP":           {webp("VP8 ", 96, 96), "image/webp"},
		"lossless WebP":        {webp("VP8L", 96, 96), "image/webp"},
		"extended WebP":        {webp("VP8X", 96, 96), "image/webp"},
		"SVG":                  {[]byte(plainLogo), "image/svg+xml"},
		"SVG of a drawing app": {[]byte(byteOrderMark + `<?xml version="1.0" encoding="gb2312"?><!-- Generator --><!DOCTYPE svg>` + plainLogo + "\n"), "image/svg+xml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := logoElement(c.file)
			if err != nil || !strings.HasPrefix(string(got), `<img class="logo" src="data:`+c.kind+`;base64,`) {
				t.Errorf("%.80s (%v)", got, err)
			}
		})
	}
}

func FuzzBrand(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, s, s, []byte(s))
	}
	f.Add("店", "#07c160", brandPrivacy, "400-000-0000", []byte(plainLogo))
	f.Fuzz(func(t *testing.T, name, color, privacy, contact string, logo []byte) {
		theme, err := (*Theme)(nil).WithBrand(Brand{name, logo, color, privacy, contact})
		if err != nil {
			return
		}
		w := get(t, Page{Kind: Consent, Theme: theme}, chinese)
		body := w.Body.String()
		if theme.brand.privacy != "" {
			body = strings.ReplaceAll(body, html.EscapeString(string(theme.brand.privacy)), html.EscapeString(brandPrivacy))
		}
		w.Body.Reset()
		w.Body.WriteString(body)
		checkSafe(t, w)
	})
}
