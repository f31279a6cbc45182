package page

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"strings"
	"testing"
)

const followAddress = "http://weixin.qq.com/q/02example"

// codeOf returns the picture of a code on a page, "" for none.
func codeOf(t *testing.T, p Page) (kind string, file []byte) {
	t.Helper()
	w := get(t, p, english)
	checkHeader(t, w, english)
	checkSafe(t, w)
	_, rest, ok := strings.Cut(w.Body.String(), `<img class="code" src="data:`)
	if !ok {
		return "", nil
	}
	kind, rest, _ = strings.Cut(rest, ";base64,")
	text, _, _ := strings.Cut(rest, `"`)
	file, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return kind, file
}

// The page that asks to follow has the code inside, as a picture that WeChat
// can scan, and a form that comes back to the page.
func TestFollowPage(t *testing.T) {
	t.Parallel()
	p := full(Follow)
	kind, file := codeOf(t, p)
	picture, err := png.Decode(bytes.NewReader(file))
	if kind != "image/png" || err != nil || picture.Bounds().Dx() < 200 || picture.Bounds().Dx() != picture.Bounds().Dy() {
		t.Fatalf("%s, %v", kind, err)
	}
	all, text := elements(t, get(t, p, english).Body.Bytes())
	if name, _ := attr(all, "input", "name"); name != "return_to" || !strings.Contains(text, "Continue after following") {
		t.Errorf("the form has %q: %s", name, text)
	}
	if value, _ := attr(all, "input", "value"); value != p.ReturnTo {
		t.Errorf("it goes back to %q", value)
	}
	p.Code = Code{}
	if kind, _ := codeOf(t, p); kind != "" {
		t.Errorf("a code that is none: %s", kind)
	}
	if body := get(t, p, chinese).Body.String(); !strings.Contains(body, "请在微信中搜索公众号") || !strings.Contains(body, "<svg") {
		t.Error("without a code it does not say what to do")
	}
	p.Cause = NotYet
	if body := get(t, p, chinese).Body.String(); !strings.Contains(body, "您还没有关注公众号") {
		t.Error("asked again, it says the same")
	}
}

func TestNewCode(t *testing.T) {
	t.Parallel()
	large := append(pngHeader(9, 9), make([]byte, MaxCode)...)
	for name, c := range map[string]struct {
		file []byte
		kind string
		want string
	}{
		"PNG":         {pngHeader(430, 430), "image/png", ""},
		"SVG":         {[]byte(plainLogo), "image/svg+xml", ""},
		"WebP":        {webp("VP8L", 96, 96), "image/webp", ""},
		"empty":       {nil, "", "the file has no picture"},
		"blank":       {[]byte(" \n"), "", "the file has no picture"},
		"text":        {[]byte("https://weixin.qq.com/"), "", "not PNG, JPEG, WebP or SVG"},
		"GIF":         {[]byte("GIF89a"), "", "not PNG, JPEG, WebP or SVG"},
		"a page":      {[]byte("<html>"), "", "not with <svg>"},
		"large":       {large, "", "larger than 256 KiB"},
		"many pixels": {pngHeader(4096, 4096), "", "at most 2048"},
		"cut off":     {pngHeader(9, 9)[:12], "", "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, err := NewCode(c.file)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !code.IsZero() {
					t.Errorf("%v, want %q", err, c.want)
				}
				return
			}
			p := full(Follow)
			p.Code = code
			if kind, file := codeOf(t, p); err != nil || kind != c.kind || !bytes.Equal(file, c.file) {
				t.Errorf("%s, %v", kind, err)
			}
		})
	}
}

func TestDrawCode(t *testing.T) {
	t.Parallel()
	for text, drawn := range map[string]bool{followAddress: true, "": false, strings.Repeat("a", sturdyQR+1): false} {
		if got := !DrawCode(text).IsZero(); got != drawn {
			t.Errorf("%.40s: %t", text, got)
		}
	}
}

// Attack: a file that is more than a picture.
func FuzzNewCode(f *testing.F) {
	f.Add([]byte(plainLogo))
	f.Add(pngHeader(9, 9))
	for _, s := range hostile {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		code, err := NewCode(file)
		if err != nil {
			return
		}
		p := full(Follow)
		p.Code = code
		checkSafe(t, get(t, p, english))
	})
}
