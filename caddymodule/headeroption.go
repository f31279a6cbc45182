package caddymodule

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
)

var headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// headers checks the renamed headers. Two fields must not share a name, and no
// field may use the name of a header with a meaning in HTTP.
func (h *Handler) headers() (map[site.Field]string, error) {
	if len(h.Headers) == 0 {
		return nil, nil
	}
	headers := make(map[site.Field]string, len(h.Headers))
	used := map[string]string{}
	for _, f := range site.Fields {
		name, ok := h.Headers[string(f.Field)]
		if !ok {
			name = f.Header
		} else {
			headers[f.Field] = name
		}
		switch {
		case strings.EqualFold(name, site.HeaderOff):
			headers[f.Field] = site.HeaderOff
			continue
		case strings.EqualFold(name, site.HeaderOn) && f.Field == site.FieldPhone:
			headers[f.Field], name = site.HeaderOn, f.Header
		case strings.EqualFold(name, site.HeaderOn):
			return nil, fmt.Errorf("header %s: it is on already; give it another name, or off", f.Field)
		}
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !headerForm.MatchString(name):
			return nil, fmt.Errorf("header %s: %q is not a header name of letters, digits and -", f.Field, name)
		case isTaken(canonical):
			return nil, fmt.Errorf("header %s: %s has another meaning; choose a name like X-Remote-User", f.Field, name)
		case used[canonical] != "":
			return nil, fmt.Errorf("header %s: %s already carries %s", f.Field, name, used[canonical])
		}
		used[canonical] = string(f.Field)
	}
	for field := range h.Headers {
		if !isField(field) {
			return nil, fmt.Errorf("header: there is no field %q; the fields are %v", field, fieldNames())
		}
	}
	return headers, nil
}

func isTaken(canonical string) bool {
	return slices.Contains(takenHeaders, canonical) ||
		slices.ContainsFunc(takenFamilies, func(family string) bool { return strings.HasPrefix(canonical, family) })
}

// takenFamilies lists prefixes of header names that no field may use.
var takenFamilies = []string{"Accept", "Access-Control-", "Content-", "If-", "Proxy-", "Sec-", "X-Forwarded-"}

// takenHeaders lists headers that servers, proxies or the gateway itself use.
// To a CGI program, Proxy is the variable HTTP_PROXY (attack: httpoxy).
var takenHeaders = []string{
	"Authorization", "Connection", "Cookie", "Expect", "Host", "Keep-Alive",
	"Origin", "Proxy", "Range", "Referer", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via",
	"Cache-Control", "Date", "Forwarded", "Pragma", "Set-Cookie", "X-Real-Ip", "X-Requested-With",
	gate.HeaderRequire, gate.HeaderLogout, site.HeaderAssertion,
}

func isField(name string) bool { return slices.Contains(fieldNames(), name) }

func fieldNames() []string {
	var names []string
	for _, f := range site.Fields {
		names = append(names, string(f.Field))
	}
	return names
}
