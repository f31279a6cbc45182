package page

import (
	"strings"
	"testing"
)

var causes = []Cause{ConsentMissing, TooLarge, Incomplete}

// Each cause has words of its own for all that the page says, and each page
// says that nothing was sent. Only an ended session is called expired.
func TestCauseHasItsOwnWords(t *testing.T) {
	t.Parallel()
	for lang, words := range map[language]struct{ expired, unsent string }{
		chinese: {"登录已过期", "您刚才填写的内容没有提交"},
		english: {"Your sign-in has expired", "What you entered was not sent"},
	} {
		seen := map[string]Cause{}
		for _, cause := range append(causes, "", "nonsense") {
			t.Run(string(lang)+"/"+string(cause), func(t *testing.T) {
				p := full(SignInExpired)
				p.Cause, p.Theme = cause, nil
				w := get(t, p, lang)
				checkHeader(t, w, lang)
				checkSafe(t, w)
				_, text := elements(t, w.Body.Bytes())
				if expired := cause == "" || cause == "nonsense"; strings.Contains(text, words.expired) != expired {
					t.Errorf("it says %q: %t, want %t", words.expired, !expired, expired)
				}
				if !strings.Contains(text, words.unsent) {
					t.Errorf("it does not say %q", words.unsent)
				}
				if other, ok := seen[text]; ok && cause != "nonsense" {
					t.Errorf("it looks like %q", other)
				}
				seen[text] = cause
				p.Kind = Resend // a page about something else has its own words
				if get(t, p, lang).Body.String() != get(t, full(Resend), lang).Body.String() {
					t.Error("another kind of page has other words")
				}
			})
		}
	}
}

// Words that an operator wrote before there were causes still load, and are
// those of an ended session. The words of a cause can be replaced, too.
func TestTextsOfACause(t *testing.T) {
	t.Parallel()
	theme, err := LoadTheme(folder(map[string]string{
		"page.html":  `<!doctype html>{{.Style}}<h1>{{.T "title"}}</h1><p>{{.T "lead"}}</p>{{with .ContinueURL}}<a href="{{.}}">{{$.T "continue"}}</a>{{end}}{{.Script}}`,
		"texts.json": `{"sign_in_expired":{"title":{"en":"Mine"},"title_large":{"en":"My large one"}}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	for cause, want := range map[Cause][]string{
		"":             {"Mine", "Sign in again"},
		TooLarge:       {"My large one", "Continue"},
		ConsentMissing: {"Your consent is needed", "You are signed in"},
	} {
		t.Run(string(cause), func(t *testing.T) {
			t.Parallel()
			p := full(SignInExpired)
			p.Theme, p.Cause, p.Data = theme, cause, nil
			body := get(t, p, english).Body.String()
			for _, words := range want {
				if !strings.Contains(body, words) {
					t.Errorf("it does not say %q: %s", words, body)
				}
			}
		})
	}
}
