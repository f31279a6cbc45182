package page

import (
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name returns the operator's name, "" if it is not configured.
func (v view) Name() string { return v.theme.brand.name }

// Logo returns the operator's logo, an <img>, "" if there is none.
func (v view) Logo() template.HTML { return v.theme.brand.logo }

// Privacy returns the address of the privacy policy, "" if there is none.
func (v view) Privacy() template.URL { return v.theme.brand.privacy }

// Contact returns how to reach the operator. Its Text is "" if that is not
// configured, its Href if it is no phone number and no e-mail address.
func (v view) Contact() link { return v.theme.brand.contact }

// fillSiteName puts the name of the operator or of the site into a text.
// Without any the site is called "this site". In Chinese, blanks stand between
// Chinese and Latin letters only.
func (v view) fillSiteName(text string) string {
	if !strings.Contains(text, "{site}") {
		return text
	}
	name := v.Name()
	if name == "" {
		name = v.Site
	}
	if name == "" {
		words, _ := v.theme.texts.find(v.Kind, "this_site") // an operator's texts.json cannot remove it
		name = words.in(v.Lang)
	}
	if v.Lang == chinese {
		first, _ := utf8.DecodeRuneInString(name)
		last, _ := utf8.DecodeLastRuneInString(name)
		if isChinese(first) {
			text = strings.ReplaceAll(text, " {site}", "{site}")
		}
		if isChinese(last) {
			text = strings.ReplaceAll(text, "{site} ", "{site}")
		}
	}
	return strings.ReplaceAll(text, "{site}", name)
}

// isChinese reports whether r is a Chinese character or a full-width mark, such
// as a bracket.
func isChinese(r rune) bool {
	return unicode.Is(unicode.Han, r) || r >= '\u3000' && r <= '\u303f' || r >= '\uff00' && r <= '\uffef'
}
