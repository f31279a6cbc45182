package request

import (
	"net/http"
	"strings"
)

// Scrub removes headers that a visitor sends under our names. The zero value
// removes nothing; use [NewScrub].
type Scrub struct {
	names map[string]bool // folded
}

// NewScrub returns a Scrub for these header names.
func NewScrub(names []string) Scrub {
	s := Scrub{names: make(map[string]bool, len(names))}
	for _, name := range names {
		s.names[fold(name)] = true
	}
	return s
}

// fold maps all spellings that some upstream reads as the same header to one:
// CGI, PHP and servlet containers turn - and . into _ and ignore case, and some
// servers turn every byte into _ that is neither letter nor digit (attacks:
// GHSA-vjrc-mh2v-45x6, GHSA-f59h-q822-g45g, GHSA-49wc-4hcv-v58q, and
// X~Wechat~Openid to CGI programs behind lighttpd).
func fold(name string) string {
	folded := []byte(strings.TrimSpace(name))
	for i, c := range folded {
		switch {
		case 'A' <= c && c <= 'Z':
			folded[i] = c + 'a' - 'A'
		case !isPlain(c):
			folded[i] = '-'
		}
	}
	return string(folded)
}

// isPlain reports whether folding keeps a byte.
func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-'
}

// ours reports whether name belongs to us. Every name under X-Wechat- does, so
// that a visitor cannot deceive an app written for a later version of this
// gateway.
func (s Scrub) ours(name string) bool {
	// Almost every name must be folded, because canonical names have capitals.
	// This runs for each header of each request.
	if len(name) > 0 && s.names != nil {
		folded := name
		if needsFold(name) {
			folded = fold(name)
		}
		return strings.HasPrefix(folded, "x-wechat-") || s.names[folded]
	}
	return false
}

func needsFold(name string) bool {
	for i := range len(name) {
		if !isPlain(name[i]) {
			return true
		}
	}
	return false
}

// Request scrubs r in place: headers, names inside Connection (a client could
// otherwise have reverse_proxy delete the identity that we set), and all
// trailers: net/http fills these in only when the body has been read, too late
// to check their names.
func (s Scrub) Request(r *http.Request) {
	for name := range r.Header {
		if s.ours(name) {
			delete(r.Header, name) // not Header.Del, which misses odd spellings
		}
	}
	for _, field := range []string{"Connection", "Proxy-Connection"} {
		s.tokens(r.Header, field)
	}
	r.Trailer = nil
	delete(r.Header, "Trailer")
}

// tokens removes our names from a list header. It leaves a header without them
// unchanged.
func (s Scrub) tokens(h http.Header, field string) {
	values := h[field]
	found := false
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			found = found || s.ours(strings.TrimSpace(token))
		}
	}
	if !found {
		return
	}
	var kept []string
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if token = strings.TrimSpace(token); token != "" && !s.ours(token) {
				kept = append(kept, token)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, field)
		return
	}
	h[field] = []string{strings.Join(kept, ", ")}
}
