package caddymodule

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/caddy-wechat/gateway/internal/gate"
)

var headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// headers checks the renamed headers. Two fields must not share a name, and
// none may take the name of a header that means something to HTTP.
func (h *Handler) headers() (map[gate.Field]string, error) {
	if len(h.Headers) == 0 {
		return nil, nil
	}
	headers := make(map[gate.Field]string, len(h.Headers))
	used := map[string]string{}
	for _, f := range gate.Fields {
		name, ok := h.Headers[string(f.Field)]
		if !ok {
			name = f.Header
		} else {
			headers[f.Field] = name
		}
		if name == gate.HeaderOff {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !headerForm.MatchString(name):
			return nil, fmt.Errorf("header %s: %q is not a header name of letters, digits and -", f.Field, name)
		case slices.Contains(takenHeaders, canonical):
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

// takenHeaders mean something to servers or proxies, or carry what we read.
var takenHeaders = []string{
	"Accept", "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Expect", "Host", "Keep-Alive",
	"Origin", "Proxy-Authorization", "Range", "Referer", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Requested-With", "Forwarded",
	gate.HeaderRequire, gate.HeaderLogout,
}

func isField(name string) bool { return slices.Contains(fieldNames(), name) }

func fieldNames() []string {
	var names []string
	for _, f := range gate.Fields {
		names = append(names, string(f.Field))
	}
	return names
}
