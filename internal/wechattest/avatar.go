package wechattest

import (
	"crypto/sha256"
	"fmt"
	"html"
	"net/http"
	"strings"
	"unicode/utf8"
)

// avatarPath is where the simulator serves avatars: …/<person>/132, the last
// part being the size, as WeChat's have it.
const avatarPath = "/mmopen/vi_32/"

// avatar draws the first character of a person's nickname on a colour.
func (s *Server) avatar(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, avatarPath), "/")
	person, ok := s.roster.person(id)
	if !ok {
		http.NotFound(w, r)
		return
	}
	first, _ := utf8.DecodeRuneInString(person.Nickname)
	if first == utf8.RuneError || first < ' ' {
		first = '?'
	}
	sum := sha256.Sum256([]byte(id))
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	// The nickname comes from outside, and SVG can hold scripts.
	h.Set("Content-Security-Policy", "default-src 'none'")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 132"><rect width="132" height="132" fill="hsl(%d 55%% 40%%)"/>`+
		`<text x="66" y="86" font-size="60" text-anchor="middle" fill="#fff">%s</text></svg>`,
		int(sum[0])*360/256, html.EscapeString(string(first)))
}
