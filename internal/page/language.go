package page

import (
	"net/http"
	"strings"
)

// language is one of the two languages of the pages, as an HTML language tag.
type language string

const (
	chinese language = "zh-CN"
	english language = "en"
)

const (
	maxAcceptLanguage = 512 // bytes of Accept-Language that are read
	maxLanguageRanges = 24  // entries of Accept-Language that are read
)

// preferred returns the language of the answer: the one with the higher weight
// in Accept-Language, the first one if the weights are equal. If it names
// neither, visitors in WeChat and requests without the header get Chinese,
// others English.
func preferred(r *http.Request) language {
	header := strings.Join(r.Header.Values("Accept-Language"), ",")
	inWeChat := strings.Contains(r.UserAgent(), "MicroMessenger") // only chooses the language
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

// weigh reads an Accept-Language header (RFC 9110, section 12.5.4) and returns the weights of Chinese and English
// in thousandths, 0 if not acceptable or not named, and which of them comes first.
func weigh(header string) (zh, en int, first language) {
	if len(header) > maxAcceptLanguage {
		header = header[:maxAcceptLanguage]
		header = header[:strings.LastIndexByte(header, ',')+1] // a truncated entry could mean another language
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

// quality reads the weight of one entry, "" or "q=0.8", in thousandths (RFC 9110, section 12.4.2).
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
