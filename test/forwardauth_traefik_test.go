package test

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Debian has no Traefik. What follows does with the documented file what
// Traefik 3 does by its documentation and source
// (pkg/middlewares/auth/forward.go), for the options that the file has; any
// other option fails. It proves that the file and the gateway fit together, not
// that Traefik is as it is read here.

// traefikFile is a file of Traefik's file provider.
type traefikFile struct {
	HTTP struct {
		Routers map[string]struct {
			Rule        string         `yaml:"rule"`
			Priority    int            `yaml:"priority"`
			Middlewares []string       `yaml:"middlewares"`
			Service     string         `yaml:"service"`
			TLS         map[string]any `yaml:"tls"`
		} `yaml:"routers"`
		Middlewares map[string]traefikMiddleware `yaml:"middlewares"`
		Services    map[string]struct {
			LoadBalancer struct {
				PassHostHeader *bool `yaml:"passHostHeader"`
				Servers        []struct {
					URL string `yaml:"url"`
				} `yaml:"servers"`
			} `yaml:"loadBalancer"`
		} `yaml:"services"`
	} `yaml:"http"`
}

type traefikMiddleware struct {
	Headers *struct {
		CustomRequestHeaders map[string]string `yaml:"customRequestHeaders"`
	} `yaml:"headers"`
	ForwardAuth *struct {
		Address                  string   `yaml:"address"`
		TrustForwardHeader       bool     `yaml:"trustForwardHeader"`
		AuthResponseHeaders      []string `yaml:"authResponseHeaders"`
		AuthResponseHeadersRegex string   `yaml:"authResponseHeadersRegex"`
		AddAuthCookiesToResponse []string `yaml:"addAuthCookiesToResponse"`
	} `yaml:"forwardAuth"`
}

// traefik stands in for Traefik on a port.
func (w *world) traefik(port, gateway, app string) {
	w.t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(placed(w.t, documented(w.t, "yaml", 0), gateway, app)))
	decoder.KnownFields(true)
	file := new(traefikFile)
	if err := decoder.Decode(file); err != nil {
		w.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{Handler: file}
	go func() { _ = server.Serve(listener) }()
	w.t.Cleanup(func() { _ = server.Close() })
}

// The rules of the two routers, as they are understood below.
const (
	ruleOfEndpoints = "Host(`shop.example.com`) && (PathPrefix(`/_wechat/`) && !Path(`/_wechat/check`) || PathRegexp(`^/(MP|WW)_verify_[A-Za-z0-9]+\\.txt$`))"
	ruleOfShop      = "Host(`shop.example.com`)"
)

var verifyFiles = regexp.MustCompile(`^/(MP|WW)_verify_[A-Za-z0-9]+\.txt$`)

func (f *traefikFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The entry point: what an untrusted client says of the way is removed.
	for _, name := range []string{"For", "Host", "Port", "Proto", "Server", "Prefix", "Method", "Uri", "Tls-Client-Cert", "Tls-Client-Cert-Info"} {
		r.Header.Del("X-Forwarded-" + name)
	}
	r.Header.Del("X-Real-Ip")
	rule := ruleOfShop
	if strings.HasPrefix(r.URL.Path, "/_wechat/") && r.URL.Path != "/_wechat/check" || verifyFiles.MatchString(r.URL.Path) {
		rule = ruleOfEndpoints
	}
	for _, router := range f.HTTP.Routers {
		if router.Rule == rule {
			f.pass(w, r, router.Middlewares, router.Service)
			return
		}
	}
	http.NotFound(w, r)
}

// pass leads a request through the rest of its middlewares to its service.
func (f *traefikFile) pass(w http.ResponseWriter, r *http.Request, names []string, service string) {
	if len(names) == 0 {
		f.forward(w, r, service, nil)
		return
	}
	middleware := f.HTTP.Middlewares[names[0]]
	switch {
	case middleware.Headers != nil:
		for name, value := range middleware.Headers.CustomRequestHeaders {
			if r.Header.Del(name); value != "" {
				r.Header.Set(name, value)
			}
		}
		f.pass(w, r, names[1:], service)
	case middleware.ForwardAuth != nil && len(names) == 1:
		if cookies, ok := middleware.check(w, r); ok {
			f.forward(w, r, service, cookies)
		}
	default:
		http.Error(w, "unknown middleware "+names[0], http.StatusInternalServerError)
	}
}

// check asks the gateway. What is not 2xx has been passed on.
func (m traefikMiddleware) check(w http.ResponseWriter, r *http.Request) ([]*http.Cookie, bool) {
	auth := m.ForwardAuth
	question, err := http.NewRequestWithContext(r.Context(), http.MethodGet, auth.Address, nil)
	if err != nil || auth.TrustForwardHeader {
		http.Error(w, "not understood", http.StatusInternalServerError)
		return nil, false
	}
	question.Header = r.Header.Clone()
	removeHops(question.Header)
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	for name, value := range map[string]string{"For": client, "Method": r.Method, "Proto": "http", "Host": r.Host, "Uri": r.URL.RequestURI()} {
		question.Header.Set("X-Forwarded-"+name, value)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(question)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return nil, false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode < 200 || answer.StatusCode > 299 {
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, bytes.NewReader(body))
		return nil, false
	}
	for _, name := range auth.AuthResponseHeaders {
		if r.Header.Del(name); len(answer.Header.Values(name)) > 0 {
			r.Header[http.CanonicalHeaderKey(name)] = answer.Header.Values(name)
		}
	}
	pattern := regexp.MustCompile(auth.AuthResponseHeadersRegex)
	maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return pattern.MatchString(name) })
	for name, values := range answer.Header {
		if pattern.MatchString(name) {
			r.Header[name] = values
		}
	}
	return slices.DeleteFunc(answer.Cookies(), func(c *http.Cookie) bool { return !slices.Contains(auth.AddAuthCookiesToResponse, c.Name) }), true
}

// removeHops removes what is meant for one hop, and what Connection names.
func removeHops(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Te", "Trailers", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
}

// forward is the load balancer, and what is added to the answer.
func (f *traefikFile) forward(w http.ResponseWriter, r *http.Request, service string, cookies []*http.Cookie) {
	balancer := f.HTTP.Services[service].LoadBalancer
	if len(balancer.Servers) != 1 {
		http.Error(w, "no service "+service, http.StatusInternalServerError)
		return
	}
	target, err := url.Parse(balancer.Servers[0].URL)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetXForwarded()
			p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
			if balancer.PassHostHeader != nil && !*balancer.PassHostHeader {
				p.Out.Host = target.Host
			}
		},
		ModifyResponse: func(answer *http.Response) error {
			for _, cookie := range cookies {
				answer.Header.Add("Set-Cookie", cookie.String())
			}
			return nil
		},
	}
	proxy.ServeHTTP(w, r)
}

// The documented file has the two routers that are understood here, that of the
// endpoints first, and asks with what Traefik needs.
func TestTraefikExample(t *testing.T) {
	decoder := yaml.NewDecoder(strings.NewReader(documented(t, "yaml", 0)))
	decoder.KnownFields(true)
	var file traefikFile
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	endpoints, shop := file.HTTP.Routers["wechat"], file.HTTP.Routers["shop"]
	if len(file.HTTP.Routers) != 2 || endpoints.Rule != ruleOfEndpoints || shop.Rule != ruleOfShop || endpoints.Priority <= len(ruleOfShop) || shop.Priority != 0 {
		t.Errorf("routers: %+v", file.HTTP.Routers)
	}
	if !slices.Equal(endpoints.Middlewares, []string{"wechat-clear"}) || !slices.Equal(shop.Middlewares, []string{"wechat-clear", "wechat-check"}) {
		t.Errorf("middlewares: %q %q", endpoints.Middlewares, shop.Middlewares)
	}
	pattern, err := regexp.Compile(file.HTTP.Middlewares["wechat-check"].ForwardAuth.AuthResponseHeadersRegex)
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range forged {
		if theirs := !strings.Contains(strings.ToLower(spelling), "wechat"); pattern.MatchString(http.CanonicalHeaderKey(spelling)) == theirs {
			t.Errorf("%s is removed: %t", spelling, !theirs)
		}
	}
	for _, theirs := range []string{"Wechatpay-Signature", "X-Forwarded-For", "Authorization", "My-X-Wechat"} {
		if pattern.MatchString(theirs) {
			t.Errorf("%s is removed", theirs)
		}
	}
}
