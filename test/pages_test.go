package test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// attribute returns the first group of pattern in an HTML text, unescaped.
func attribute(body, pattern string) string {
	match := regexp.MustCompile(pattern).FindStringSubmatch(body)
	if match == nil {
		return ""
	}
	return html.UnescapeString(match[1])
}

func resolve(t *testing.T, base, reference string) string {
	t.Helper()
	b, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u, err := b.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// allow taps 允许 on the simulated WeChat's consent page and follows.
func (v *visitor) allow(a answer) answer {
	v.t.Helper()
	form := regexp.MustCompile(`(?s)<form[^>]*>.*?允许.*?</form>`).FindString(a.body)
	if form == "" {
		v.t.Fatalf("no form to allow on %s", a.url)
	}
	fields := url.Values{}
	for _, input := range regexp.MustCompile(`<(?:input|button)[^>]*>`).FindAllString(form, -1) {
		name, value := attribute(input, `name="([^"]*)"`), attribute(input, `value="([^"]*)"`)
		if name != "" && value != "refuse" {
			fields.Set(name, value)
		}
	}
	next := v.send(http.MethodPost, resolve(v.t, a.url, attribute(form, `action="([^"]*)"`)), fields.Encode(),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	location, err := next.Location()
	if err != nil {
		return next
	}
	hops := append(v.hops, next.url)
	result := v.open(location.String())
	v.hops = append(hops, v.hops...)
	return result
}

// identity returns the identity headers of a request, and fails on a name with
// more than one value.
func identity(t *testing.T, r received) map[string]string {
	t.Helper()
	found := map[string]string{}
	for name, values := range r.header {
		folded := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
		if !strings.HasPrefix(folded, "x-wechat-") && folded != "x-remote-user" {
			continue
		}
		if len(values) != 1 {
			t.Errorf("%s has %d values: %q", name, len(values), values)
		}
		if _, twice := found[folded]; twice {
			t.Errorf("%s arrived in two spellings", folded)
		}
		found[folded] = values[0]
	}
	return found
}
