package page

import (
	"net/http"
	"strings"
)

// language is one of the two languages of our pages, as an HTML language tag.
type language string

const (
	chinese language = "zh-CN"
	english language = "en"
)

const (
	maxAcceptLanguage = 512 // bytes of Accept-Language that are looked at
	maxLanguageRanges = 24  // entries of Accept-Language that are looked at
)

// Language returns the language in which a page answers r, as an HTML language
// tag: zh-CN or en.
func Language(r *http.Request) string { return string(preferred(r)) }

// preferred returns the language to answer r in: the one that Accept-Language
// weighs more, the first of equals. Where it names neither, visitors in WeChat
// and those who say nothing get Chinese, the others English.
func preferred(r *http.Request) language {
	header := strings.Join(r.Header.Values("Accept-Language"), ",")
	inWeChat := strings.Contains(r.UserAgent(), "MicroMessenger") // chooses words, grants nothing
	zh, en, first := weigh(header)
	switch {
	case zh > en:
		return chinese
	case en > zh:
		return english
	case zh > 0:
		return first
	case inWeChat, strings.TrimSpace(header) == "":
		return chinese
	}
	return english
}

// weigh reads an Accept-Language header (RFC 9110, section 12.5.4) and returns
// the weights of Chinese and English in thousandths, 0 if not acceptable or not
// named, and which of them comes first.
func weigh(header string) (zh, en int, first language) {
	if len(header) > maxAcceptLanguage {
		header = header[:maxAcceptLanguage]
		header = header[:strings.LastIndexByte(header, ',')+1] // half an entry could mean another language
	}
	for range maxLanguageRanges {
		entry, rest, more := strings.Cut(header, ",")
		tag, params, _ := strings.Cut(entry, ";")
		q, ok := quality(params)
		primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		switch {
		case !ok || q == 0:
		case strings.EqualFold(primary, "zh"):
			zh = max(zh, q)
			if first == "" {
				first = chinese
			}
		case strings.EqualFold(primary, "en"):
			en = max(en, q)
			if first == "" {
				first = english
			}
		}
		if !more {
			break
		}
		header = rest
	}
	return zh, en, first
}

// quality reads the weight of one entry, "" or "q=0.8", in thousandths (RFC
// 9110, section 12.4.2).
func quality(params string) (int, bool) {
	name, value, found := strings.Cut(strings.TrimSpace(params), "=")
	if !found {
		return 1000, strings.TrimSpace(params) == ""
	}
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(strings.TrimSpace(value), ".")
	if whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0, false
	}
	q := 0
	for i := range 3 {
		digit := byte('0')
		if i < len(fraction) {
			digit = fraction[i]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		q = q*10 + int(digit-'0')
	}
	if whole == "1" {
		return 1000, q == 0
	}
	return q, true
}
