package console

import (
	"net/http"
	"slices"
	"strings"

	webpage "github.com/caddy-wechat/gateway/internal/page"
)

// language is one of the languages of the console, as an HTML language tag.
type language string

const (
	chinese language = "zh-CN"
	english language = "en"
)

// languageCookie has the language that the operator has chosen.
const languageCookie = "wechat_console_language"

// short is the language as internal/advice and internal/doctor name it.
func (l language) short() string {
	if l == chinese {
		return "zh"
	}
	return "en"
}

// languageOf returns the language that the operator has chosen, or else the one
// that the browser prefers.
func (c *Console) languageOf(r *http.Request) language {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if chosen := language(cookie.Value); chosen == chinese || chosen == english {
			return chosen
		}
	}
	return language(webpage.Language(r))
}

// chooseLanguage remembers the language, and leads back to where the operator
// was.
func (v *visit) chooseLanguage() error {
	chosen := language(v.form.Get("language"))
	if chosen != chinese && chosen != english {
		return problem{status: http.StatusBadRequest, text: "no_page"}
	}
	v.console.setCookie(v.w, languageCookie, string(chosen))
	// Attack: an open redirect. Only paths of the console are taken.
	back, inside := strings.CutPrefix(v.form.Get("back"), v.console.base+"/")
	parts := strings.Split(back, "/")
	if !inside || slices.ContainsFunc(parts, func(part string) bool { return part == "" || part == "." || part == ".." }) {
		return v.goTo()
	}
	return v.goTo(parts...)
}
