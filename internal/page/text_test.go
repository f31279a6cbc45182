package page

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	all := builtin().texts
	if len(all) != len(kinds)+1 {
		t.Errorf("%d sections, want one for each of %d kinds and the common one", len(all), len(kinds))
	}
	for _, kind := range kinds {
		for _, key := range []string{"title", "lead"} {
			if !all.has(kind, key) {
				t.Errorf("%s has no %s", kind, key)
			}
		}
	}
	han := func(r rune) bool { return unicode.Is(unicode.Han, r) }
	// WeChat's own button keeps its name in every language.
	const button = "使用完整服务"
	placeholder := regexp.MustCompile(`\{[^}]*\}`)
	for kind, keys := range all {
		for key, w := range keys {
			if !strings.ContainsFunc(w.Chinese, han) {
				t.Errorf("%s/%s is not Chinese: %q", kind, key, w.Chinese)
			}
			if w.English == "" || strings.ContainsFunc(strings.ReplaceAll(w.English, button, ""), han) {
				t.Errorf("%s/%s is not English: %q", kind, key, w.English)
			}
			if strings.ContainsAny(w.Chinese, ",;:?!'\"") || strings.ContainsAny(w.English, "'\"，。") {
				t.Errorf("%s/%s has the punctuation of the other language: %q %q", kind, key, w.Chinese, w.English)
			}
			zh, en := placeholder.FindAllString(w.Chinese, -1), placeholder.FindAllString(w.English, -1)
			if strings.Join(zh, "") != strings.Join(en, "") {
				t.Errorf("%s/%s differs in its placeholders: %q %q", kind, key, zh, en)
			}
		}
	}
}

// No page shows a placeholder, and every text is on some page.
func TestTextsAreUsed(t *testing.T) {
	t.Parallel()
	style := strings.TrimSuffix(strings.TrimPrefix(string(builtin().style), "<style>"), "</style>")
	for _, lang := range []language{chinese, english} {
		var shown strings.Builder
		for _, kind := range kinds {
			link := full(kind)
			link.URL = "https://" + strings.Repeat("a", maxQR) + ".example.com/"
			long := full(kind)
			long.URL += strings.Repeat("a", maxQR)
			all := []Page{full(kind), long, link, withBrand(t, kind), {Kind: kind, RetryAfter: -1}}
			for _, cause := range append(causes[:len(causes):len(causes)], NotYet) {
				p := full(kind)
				p.Cause = cause
				all = append(all, p)
			}
			for _, p := range all {
				body := get(t, p, lang).Body.Bytes()
				all, text := elements(t, body)
				text = strings.Replace(text, style, "", 1) // its braces are no placeholders
				text = strings.Replace(text, brandRules(t), "", 1)
				text = strings.NewReplacer(scanScript, "", formScript, "", copyScript, "", `{"task":"none"}`, "").Replace(text)
				if strings.ContainsAny(text, "{}") {
					t.Errorf("%s in %s shows a placeholder", kind, lang)
				}
				label, _ := attr(all, "div", "aria-label")
				shown.WriteString(text + label)
				for _, e := range all {
					for _, a := range e.Attr {
						shown.WriteString(a.Value)
					}
				}
			}
		}
		fill := strings.NewReplacer("{site}", "shop.example.com", "{seconds}", "10", "{ago}", "14")
		for kind, keys := range builtin().texts {
			for key, w := range keys {
				if key != "this_site" && !strings.Contains(shown.String(), fill.Replace(w.in(lang))) {
					t.Errorf("%s/%s in %s is on no page", kind, key, lang)
				}
			}
		}
	}
}

// A site without a name is called "this site": in Chinese without blanks, which
// stand beside Latin letters only.
func TestSiteWithoutName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		site string
		lang language
		want string
	}{
		{"<b>", chinese, "登录后，本站将获得您的："},
		{"<b>", english, "When you sign in, this site receives:"},
		{"shop.example.com", chinese, "登录后，shop.example.com 将获得您的："},
		{"shop.example.com", english, "When you sign in, shop.example.com receives:"},
	} {
		t.Run(string(c.lang)+"/"+c.site, func(t *testing.T) {
			t.Parallel()
			_, text := elements(t, get(t, Page{Kind: Consent, Site: c.site}, c.lang).Body.Bytes())
			if !strings.Contains(text, c.want) {
				t.Errorf("the page does not say %q:\n%s", c.want, text)
			}
		})
	}
}

// Chinese has a blank between Chinese letters and a name of the site, and none
// beside its own punctuation.
func TestBlanksInChinese(t *testing.T) {
	t.Parallel()
	wrong := regexp.MustCompile(`[\p{Han}]\{|\}[\p{Han}]|[，。；：？！、“”（）] | [，。；：？！、“”（）]|\p{Han} \p{Han}|[()]`)
	for kind, keys := range builtin().texts {
		for key, w := range keys {
			t.Run(string(kind)+"/"+key, func(t *testing.T) {
				t.Parallel()
				if at := wrong.FindString(w.Chinese); at != "" {
					t.Errorf("%q has %q", w.Chinese, at)
				}
			})
		}
	}
}

func FuzzParseTexts(f *testing.F) {
	for _, s := range []string{
		`{}`, `null`, `[]`, `{"consent":{"title":{"zh-CN":"标题"}}}`, `{"consent":null}`, `{"consent":{"x":{}}}`, `{"x":{}}`, `{}{}`, `{"consent":{"title":{"de":""}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		own, err := parseTexts(data)
		if err != nil {
			return
		}
		base := builtin().clone().texts
		if err := base.overlay(own); err != nil {
			return
		}
		for kind, keys := range builtin().texts {
			for key := range keys {
				if w := base[kind][key]; w.Chinese == "" || w.English == "" {
					t.Fatalf("%s/%s lost its words to %q", kind, key, data)
				}
			}
		}
	})
}
