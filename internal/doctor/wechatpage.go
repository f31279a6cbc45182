package doctor

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// pageVerdict is what a page of WeChat says about a callback.
type pageVerdict int

const (
	pageSilent  pageVerdict = iota // nothing
	pageAccepts                    // it asks the visitor, or calls back
	pageRefuses                    // it shows an error
)

var (
	// pageCode is an error code on WeChat's page: alone in an element, or after
	// a word for it.
	pageCode = regexp.MustCompile(`(?i)(?:>\s*|(?:错误码|错误代码|errcode|error code)\s*[:：=]?\s*)(100\d\d)\s*(?:<|\b)`)

	// pageWords are errors that pages show without a code.
	pageWords = []struct{ word, row string }{
		{"redirect_uri 参数错误", "callback-domain"},
		{"redirect_uri参数错误", "callback-domain"},
		{"AppID 参数错误", "app-id"},
		{"Scope 参数错误", "scope"},
	}

	// pageAsks are parts of pages that ask the visitor: the buttons of the
	// consent page, the link of a 快照页, and the code of the QR page.
	pageAsks = [][]string{{"允许", "拒绝"}, {"使用完整服务"}, {"qrcode"}, {"扫描", "<svg"}}
)

// readPage says what WeChat's page says about a callback: the row of
// internal/advice for an error, and its word or code.
func readPage(said answer) (verdict pageVerdict, row, word string) {
	switch {
	case said.status >= http.StatusMultipleChoices && said.status < http.StatusBadRequest:
		if u, err := url.Parse(said.header.Get("Location")); err == nil && strings.HasPrefix(u.Path, endpoints) && u.Query().Get("code") != "" {
			return pageAccepts, "", ""
		}
		return pageSilent, "", ""
	case said.status != http.StatusOK:
		return pageSilent, "", ""
	}
	if m := pageCode.FindStringSubmatch(said.body); m != nil {
		code, _ := strconv.Atoi(m[1]) // five digits
		found, _ := advice.OfCode(code)
		return pageRefuses, found.ID, m[1]
	}
	for _, w := range pageWords {
		if strings.Contains(said.body, w.word) {
			return pageRefuses, w.row, w.word
		}
	}
	for _, words := range pageAsks {
		if all(words, func(word string) bool { return strings.Contains(said.body, word) }) {
			return pageAccepts, "", ""
		}
	}
	return pageSilent, "", ""
}

func all[T any](list []T, is func(T) bool) bool {
	for _, element := range list {
		if !is(element) {
			return false
		}
	}
	return true
}
