package doctor

import (
	"context"
	"crypto/x509"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Setup is what a configuration says. The zero value has nothing to examine.
type Setup struct {
	// Problem is why the configuration cannot be loaded; nil if it can. The
	// checks that need the configuration are then left out. It contains no
	// secret.
	Problem error

	Accounts []Account
	Sites    []Site
	// Literals names the options whose secret is written in the configuration.
	Literals []string
	// CallbackOrigin is where WeChat sends the visitors of all sites back; ""
	// for each site itself.
	CallbackOrigin string
	// WeChat makes the calls. It has the addresses of WeChat's hosts.
	WeChat *wechat.Client
	// Redis is nil with a local store.
	Redis *Redis
	// Folders are where the gateway keeps files.
	Folders []Folder
	// Keys are the fingerprints of the configured session keys, the one that
	// signs first; nil if keys are generated.
	Keys []string

	// Fingerprints are those of the secrets, by what they belong to, to compare
	// with those that the running server uses.
	Fingerprints map[string]string

	// Version and Caddy are the versions of this program; "" is unknown.
	Version, Caddy string
	// Apps is the part `apps` of the configuration file, in JSON, to compare
	// with what runs; nil if it comes from the running server.
	Apps []byte
	// Admin asks the running server; nil if it is not to be asked.
	Admin Admin

	// Secrets are removed from every sentence.
	Secrets []string
	// RootCAs are the authorities to trust for sites; nil is the system's.
	RootCAs *x509.CertPool
	// LookupHost replaces the system's DNS; nil is that.
	LookupHost func(ctx context.Context, host string) ([]string, error)
}

// Account is one configured account.
type Account struct {
	wechat.Account
	VerifyFiles []VerifyFile
	// Push is whether it has message push; then Token signs, and AESKey, if it
	// is not zero, encrypts. Of two, the one in use.
	Push          bool
	Token, AESKey wechat.Secret
	// RelayAll is whether the gateway hands every push to another program.
	RelayAll bool
	// Followers is whether a site has allow followers, and asks this account.
	Followers bool
}

// VerifyFile is a file by which WeChat checks that a domain is the operator's.
type VerifyFile struct{ Name, Content string }

// Site is one address of the configuration.
type Site struct {
	// Origin is where visitors reach it; "" if the configuration names no
	// single host.
	Origin string
	// Name is the address for messages.
	Name string
	// Guarded is whether it has wechat_auth, Proxies whether it forwards
	// requests to an app.
	Guarded, Proxies bool
	// Behind is whether TLS ends at another server: the origin is https, and
	// the server listens on plain http. Trusts is whether its server has
	// trusted_proxies.
	Behind, Trusts bool
	// Profile is whether it asks visitors for nickname and avatar.
	Profile bool
	// Websites are the website accounts that sign visitors in here.
	Websites []string
}

// Redis is the store of several gateways.
type Redis struct {
	// Open makes a client, which the caller closes.
	Open func() (redis.UniversalClient, error)
	// Prefix begins all keys.
	Prefix string
}

// Folder is a folder in which the gateway keeps files.
type Folder struct {
	Path string
	// Files are files in it that the server's user, and no other, must be able
	// to read and write, if they are there.
	Files []string
}

// Admin asks the admin endpoint of a running server.
type Admin interface {
	// Get returns status and body of a call. Its errors contain no secret.
	Get(ctx context.Context, path string) (status int, body []byte, err error)
}

// Running is what the running server says about itself: the answer of GET
// /wechat/doctor. It contains no secret and nothing about a visitor.
type Running struct {
	Version string `json:"version"`
	Caddy   string `json:"caddy"`
	Memory  Memory `json:"memory"`
	Seen    Seen   `json:"seen"`
	// Fingerprints are those of the secrets in use, as in Setup; nil from an
	// older gateway.
	Fingerprints map[string]string `json:"fingerprints,omitempty"`
}

// Seen is what a running server has noticed about its requests since its
// configuration was loaded.
type Seen struct {
	// Proxy is the address of a peer in a private network that forwards
	// requests and is not in trusted_proxies; "" for none.
	Proxy string `json:"proxy,omitempty"`
	// Site and Scheme are a site, and the scheme that visitors use according to
	// the proxy in front, if that is not the one of the site's origin.
	Site   string `json:"site,omitempty"`
	Scheme string `json:"scheme,omitempty"`
	// Cookies is the size, in bytes, of the largest Cookie header of a
	// signed-in visitor.
	Cookies int64 `json:"cookies"`
}

// Memory is how much memory a program may use, in bytes; 0 is without limit.
type Memory struct {
	Go        int64 `json:"go"`        // GOMEMLIMIT, or what Caddy has set
	Container int64 `json:"container"` // the control group's
}
