package cookies

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// nginx takes our cookies out of what the app gets by their names, which stand
// in docs/forward-auth.md: what is missing there reaches the app.
func TestNginxExampleNamesEveryCookie(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/forward-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, form := range sideCookies {
		suffix := strings.TrimPrefix(form.base, "wechat-")
		if form.many {
			suffix += "-[a-z0-9]{6}"
		}
		want = append(want, suffix)
	}
	slices.Sort(want)
	lists := regexp.MustCompile(`wechat\(\?:-\(\?:(.*?)\)\)\?`).FindAllStringSubmatch(string(page), -1)
	if len(lists) != 2 {
		t.Fatalf("%d lists of cookies", len(lists))
	}
	for _, list := range lists {
		got := strings.Split(list[1], "|")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the example names %q, the gateway has %q", got, want)
		}
	}
	if secretIDLength != 6 {
		t.Errorf("the example has ids of 6, the gateway of %d", secretIDLength)
	}
}
