package page

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16LE is a text as Windows' Notepad saves it as "Unicode".
func utf16LE(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

const gbk = "\xb9\xba\xce\xef" // 购物

// What programs put around an SVG has no place in a page. What stands in it
// stays byte for byte.
func TestPicturesAreMadeRight(t *testing.T) {
	t.Parallel()
	const plain = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g id="a"><path d="M1 1"/><text>购物 &lt;1&gt; &#160;</text></g></svg>`
	const doctype = `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">`
	for name, c := range map[string]struct{ file, want string }{
		"plain":                     {plain, plain},
		"line break at the end":     {plain + "\n", plain},
		"byte order mark":           {byteOrderMark + plain, plain},
		"XML declaration":           {`<?xml version="1.0" encoding="UTF-8" standalone="no"?>` + "\r\n" + plain, plain},
		"another encoding declared": {`<?xml version="1.0" encoding="gb2312"?>` + plain, plain},
		"DOCTYPE":                   {`<?xml version="1.0"?>` + doctype + "<!-- Generator: Illustrator -->\n" + plain + "<!-- end -->", plain},
		"all of it":                 {byteOrderMark + `<?xml version="1.0" encoding="utf-8"?>` + "\n" + doctype + "\n" + plain, plain},
		"closed at once":            {"<svg/>", "<svg/>"},
		"prefix of attributes":      {`<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="#a"/></svg>`, `<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="#a"/></svg>`},
		"CDATA":                     {"<svg><style><![CDATA[a>b{}]]></style></svg>", "<svg><style><![CDATA[a>b{}]]></style></svg>"},
		"no picture":                {" \n", ""},
		"nothing":                   {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theme, err := LoadTheme(folder(map[string]string{"consent.svg": c.file}))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(theme.pictures[Consent]); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestPictureMistakes(t *testing.T) {
	t.Parallel()
	const plain = `<svg viewBox="0 0 9 9"><path d="M1 1"/></svg>`
	for name, c := range map[string]struct{ file, want string }{
		"PNG":              {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "the file is a PNG picture; a picture must be SVG, whatever its name"},
		"JPEG":             {"\xff\xd8\xff\xe0\x00\x10JFIF", "the file is a JPEG picture"},
		"WebP":             {"RIFF\x24\x00\x00\x00WEBPVP8 ", "the file is a WebP picture"},
		"compressed":       {"\x1f\x8b\x08\x00", "the file is a compressed SVG"},
		"UTF-16":           {"\xff\xfe" + utf16LE(plain), "the file is UTF-16"},
		"UTF-16 unmarked":  {utf16LE(plain), "the file is UTF-16"},
		"GBK":              {"<svg>\n<text>" + gbk + "</text></svg>", "line 2 is not UTF-8 (GBK, perhaps); save the file as UTF-8"},
		"entities":         {`<!DOCTYPE svg [ <!ENTITY ns_svg "http://www.w3.org/2000/svg"> ]><svg xmlns="&ns_svg;"></svg>`, "the SVG declares entities"},
		"billion laughs":   {`<!DOCTYPE svg [ <!ENTITY a "ha"><!ENTITY b "&a;&a;"> ]><svg><text>&b;</text></svg>`, "the SVG declares entities"},
		"foreign entity":   {`<!DOCTYPE svg [ <!ENTITY x SYSTEM "file:///etc/passwd"> ]>` + plain, "the SVG declares entities"},
		"unknown entity":   {"<svg><text>&nbsp;</text></svg>", "line 1: the SVG is not well-formed: invalid character entity &nbsp;"},
		"not closed":       {"<svg>\n<path d=\"M1 1\"/>\n", "line 3: the SVG is not closed: the file ends before </svg>"},
		"an open group":    {"<svg><g><path/></svg>", "not well-formed: element <g> closed by </svg>"},
		"cut in a tag":     {`<svg viewBox="0 0`, "there is no <svg> in the file"},
		"cut in an entry":  {`<svg><path d="M1`, "the SVG is not closed"},
		"two of them":      {plain + plain, "something stands outside <svg>"},
		"text behind it":   {plain + "more", "something stands outside <svg>"},
		"text before it":   {"more" + plain, "something stands outside <svg>"},
		"DOCTYPE behind":   {plain + "<!DOCTYPE svg>", "something stands outside <svg>"},
		"only text":        {"logo", "something stands outside <svg>"},
		"only declaration": {`<?xml version="1.0"?>`, "there is no <svg> in the file"},
		"a page":           {"<!DOCTYPE html><html><body></body></html>", "the file begins with <html>, not with <svg>"},
		"with a prefix":    {`<svg:svg xmlns:svg="http://www.w3.org/2000/svg"></svg:svg>`, "its elements have a prefix"},
		"a longer name":    {`<svgx></svgx>`, "the file begins with <svgx>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadTheme(folder(map[string]string{"consent.svg": c.file}))
			if !errors.Is(err, errTheme) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "consent.svg: ") {
				t.Errorf("%v, want consent.svg: and %q", err, c.want)
			}
		})
	}
}

// A page in another encoding would be read as other characters. A mark before a
// file is left out, so that the page begins with its doctype.
func TestThemeEncodings(t *testing.T) {
	t.Parallel()
	layout := `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<h1>购物</h1>`
	theme, err := LoadTheme(folder(map[string]string{
		"page.html": byteOrderMark + layout, "style.css": byteOrderMark + "h1{color:#c33}", "texts.json": byteOrderMark + `{"consent":{"title":{"zh-CN":"书店"}}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := full(Consent)
	p.Theme = theme
	w := get(t, p, chinese)
	if body := w.Body.String(); !strings.HasPrefix(body, "<!doctype html>") || strings.Contains(body, byteOrderMark) || !strings.Contains(body, "<style>h1{") || !strings.Contains(body, "书店") {
		t.Errorf("the page is %q", body)
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"layout in GBK":     {"page.html", layout + "\n<p>" + gbk, "page.html: line 2 is not UTF-8 (GBK, perhaps); save the file as UTF-8"},
		"style in GBK":      {"style.css", "/* " + gbk + " */", "style.css: line 1 is not UTF-8"},
		"texts in GBK":      {"texts.json", "{\n\"consent\":{\"title\":{\"zh-CN\":\"" + gbk + "\"}}}", "texts.json: line 2 is not UTF-8"},
		"layout in UTF-16":  {"page.html", "\xff\xfe" + utf16LE(layout), "page.html: the file is UTF-16 ('Unicode'); save it as UTF-8"},
		"style in UTF-16":   {"style.css", "\xfe\xff\x00a", "style.css: the file is UTF-16"},
		"texts in UTF-16":   {"texts.json", utf16LE(`{}`), "texts.json: the file is UTF-16"},
		"no layout":         {"page.html", " \n", "page.html: the file is empty; remove it to have the built-in one"},
		"no texts":          {"texts.json", "", "texts.json: the file is empty; remove it to have the built-in one"},
		"texts cut off":     {"texts.json", "{\"consent\":\n{", "texts.json: the JSON is not closed"},
		"a comma too many":  {"texts.json", "{\"consent\":{},\n}", "texts.json: line 2: invalid character"},
		"a text, no words":  {"texts.json", "{\n\"consent\":{\"title\":\"书店\"}}", "texts.json: line 2: expected {"},
		"curly quotes":      {"texts.json", "{“consent”:{}}", "texts.json: line 1: '“' cannot stand there; the quotes of JSON are"},
		"a key of its own":  {"texts.json", `{"consent":{"title":{"zh":"x"}}}`, `texts.json: json: unknown field "zh"`},
		"the end of styles": {"style.css", byteOrderMark + "a{}</style>", "style.css: the stylesheet must not contain </style"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := LoadTheme(folder(map[string]string{c.file: c.content})); !errors.Is(err, errTheme) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want an error with %q", err, c.want)
			}
		})
	}
}

// FuzzSVG: whatever the file holds, what comes of it is one element, or an
// error.
func FuzzSVG(f *testing.F) {
	for _, seed := range []string{"", "<svg/>", "<?xml version='1.0'?><!DOCTYPE svg><svg><g/></svg>\n", "<svg><svg></svg>", "\x89PNG", byteOrderMark + "<svg></svg><!---->"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parseSVG(data)
		if err != nil || len(got) == 0 {
			return
		}
		if !strings.HasPrefix(string(got), "<svg") || !strings.HasSuffix(string(got), ">") {
			t.Errorf("%q became %q", data, got)
		}
	})
}
