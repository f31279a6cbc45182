package console

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/caddy-wechat/gateway/internal/doctor"
)

// Config is what a console needs. All fields are required.
type Config struct {
	// Listen is the address, host:port on loopback, at which browsers reach the
	// console.
	Listen string
	// Gateway is the address of the admin endpoint, as the pages name it.
	Gateway string
	Admin   Admin
	// Examine runs the checks of `wechat doctor --address`.
	Examine func(context.Context) (doctor.Report, error)
}

// Console serves the console's pages. Make it with [New].
type Console struct {
	config   Config
	base     string // the path of all pages for those who are signed in, without the last slash
	hosts    []string
	pages    map[language]pageSet
	routes   *http.ServeMux
	token    token
	sessions sessions

	examining sync.Mutex // one examination runs at a time
}

// New returns a console. It listens to nothing.
func New(config Config) (*Console, error) {
	if config.Admin == nil || config.Examine == nil || config.Gateway == "" {
		return nil, errors.New("console: incomplete configuration")
	}
	hosts, err := hostsOf(config.Listen)
	if err != nil {
		return nil, err
	}
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	c := &Console{config: config, base: "/" + secret(), hosts: hosts, pages: pages}
	c.routes = c.newRoutes()
	return c, nil
}

// Address returns a new one-time address. The one before no longer works.
func (c *Console) Address() string {
	return "http://" + c.hosts[0] + enterPath + "?token=" + c.token.draw()
}

// hostsOf returns the Host headers that browsers send to a listener on this
// address, the address itself first.
func hostsOf(listen string) ([]string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || host == "" || port == "" || port == "0" {
		return nil, errors.New("console: the address is not host:port")
	}
	all := []string{net.JoinHostPort(host, port)}
	if host != "localhost" {
		all = append(all, net.JoinHostPort("localhost", port))
	}
	if port == "80" { // browsers leave it out
		for _, h := range all {
			all = append(all, h[:len(h)-len(":80")])
		}
	}
	return all, nil
}

// secret draws 256 bits, as text that fits into an address.
func secret() string {
	var raw [32]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
