package command

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-wechat/gateway/internal/page"
)

//go:embed shop.html
var shopHTML string

// shop is the app behind the gateway. It knows nothing of WeChat and reads the
// visitor's identity from the request headers, as an old JSP would.
type shop struct {
	page   *template.Template
	wechat string // the simulator's address, for a link

	mu   sync.Mutex
	last http.Header // headers of the latest page request
}

func newShop(wechat string) *shop {
	return &shop{wechat: wechat, page: template.Must(template.New("shop").Parse(shopHTML))}
}

// ServeHTTP implements http.Handler.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/favicon.ico" {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	s.last = r.Header.Clone()
	s.mu.Unlock()
	lang, address := page.Language(r), r.URL.RequestURI()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.Header().Set("Vary", "Accept-Language")
	nickname, _ := url.PathUnescape(r.Header.Get("X-Wechat-Nickname"))
	avatar, _ := url.PathUnescape(r.Header.Get("X-Wechat-Avatar"))
	_ = s.page.Execute(w, map[string]any{
		"Lang": lang, "Nickname": nickname, "Avatar": avatar, "Address": address,
		"Headers": identityHeaders(r.Header), "WeChat": s.wechat,
	})
}

// seen returns the headers of the latest page request.
func (s *shop) seen() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

type headerLine struct{ Name, Value string }

// identityHeaders lists the gateway's headers in a stable order.
func identityHeaders(h http.Header) []headerLine {
	var lines []headerLine
	for name, values := range h {
		if strings.HasPrefix(name, "X-Wechat-") {
			lines = append(lines, headerLine{name, strings.Join(values, " | ")})
		}
	}
	slices.SortFunc(lines, func(a, b headerLine) int { return strings.Compare(a.Name, b.Name) })
	return lines
}
