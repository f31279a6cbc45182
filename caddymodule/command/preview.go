package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/caddy-wechat/gateway/internal/page"
)

const (
	previewListen = "127.0.0.1:9802"

	// Bounds of the preview: it is for one browser.
	previewConnections = 32
)

// preview serves all pages in all states, on loopback.
type preview struct {
	config  string // a file, "" for none
	adapter string
	looks   Looks
	samples func() []page.Sample // always the same

	loading sync.Mutex // adapters may not be safe for concurrent use
}

func newPreview(looks Looks) *preview {
	return &preview{looks: looks, samples: sync.OnceValue(page.Samples)}
}

// serve listens on a loopback address and returns its URL.
func (p *preview) serve(ctx context.Context, address string) (url string, stop func(), err error) {
	if err := loopbackOnly(address); err != nil {
		return "", nil, errPreviewLoopback
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	go func() { _ = server.Serve(netutil.LimitListener(listener, previewConnections)) }() // returns when stop closes it
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

var errPreviewLoopback = errors.New("only loopback addresses, such as " + previewListen)

// ServeHTTP answers GET only, and only by a name of this machine: another site
// could give its own name our address (attack: DNS rebinding).
func (p *preview) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case loopbackOnly(hostWithPort(r.Host)) != nil:
		http.Error(w, "This preview answers on loopback only.", http.StatusForbidden)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "This is a preview: nothing can be sent to it.", http.StatusMethodNotAllowed)
	case strings.HasPrefix(r.URL.Path, "/_wechat/"):
		w.WriteHeader(http.StatusNoContent) // the browser stays on the page
	case r.URL.Path == "/":
		p.index(w)
	default:
		p.page(w, r)
	}
}

// hostWithPort returns a Host header with a port, if it has none.
func hostWithPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err != nil {
		return net.JoinHostPort(strings.Trim(host, "[]"), "80")
	}
	return host
}

// page answers /<number of the look>/<language>/<page>/<state>.
func (p *preview) page(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	looks, err := p.load()
	if err != nil {
		problem(w, err)
		return
	}
	for i, look := range looks {
		if len(parts) != 4 || parts[0] != fmt.Sprint(i) || parts[1] != "zh-CN" && parts[1] != "en" {
			continue
		}
		for _, s := range p.samples() {
			if parts[2] != string(s.Page.Kind) || parts[3] != s.State {
				continue
			}
			if look.Err != nil {
				problem(w, look.Err)
				return
			}
			s.Page.Theme = look.Theme
			asked := r.Clone(r.Context())
			asked.Header.Set("Accept-Language", parts[1])
			s.Page.Write(w, asked)
			return
		}
	}
	http.NotFound(w, r)
}

// problem shows what is wrong with a configuration or a file.
func problem(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// load returns all looks: as built in, with an example of a brand, and those of
// the configuration, which is read anew.
func (p *preview) load() ([]page.Look, error) {
	p.loading.Lock()
	defer p.loading.Unlock()
	theme, err := (*page.Theme)(nil).WithBrand(exampleBrand())
	all := []page.Look{{Name: "built-in 内置"}, {Name: "with a brand 带品牌", Theme: theme, Err: err}}
	if p.config == "" {
		return all, nil
	}
	config, err := readConfig(p.config, p.adapter)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.config, err)
	}
	sites, err := p.looks(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.config, err)
	}
	if len(sites) == 0 {
		return nil, fmt.Errorf("%s: no site has wechat_auth", p.config)
	}
	return append(all, sites...), nil
}

// exampleBrand is what a brand may look like.
func exampleBrand() page.Brand {
	return page.Brand{
		Name: "某某商城", Color: "#07c160", Privacy: "https://shop.example.com/privacy", Contact: "400-000-0000",
		Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" rx="9" fill="#07c160"/>` +
			`<path d="M10 14h20l-2 16H12zM15 14a5 5 0 0 1 10 0" fill="none" stroke="#fff" stroke-width="2.5" stroke-linejoin="round"/></svg>`),
	}
}
