package gate_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// cookies are the site's cookies that the browser would send to a path.
func (b *browser) cookies(path string) map[string]string {
	u, err := url.Parse(b.town.origin() + path)
	if err != nil {
		b.town.t.Fatal(err)
	}
	found := map[string]string{}
	for _, cookie := range b.client.Jar.Cookies(u) {
		found[cookie.Name] = cookie.Value
	}
	return found
}

// session is the value of the session cookie.
func (b *browser) session() string {
	if b.town.plain {
		return b.cookies("/")["wechat"]
	}
	return b.cookies("/")["__Host-wechat"]
}

// plant puts a cookie into the browser, as an attacker or an old visit would.
func (b *browser) plant(path, name, value string) {
	u, err := url.Parse(b.town.origin() + "/")
	if err != nil {
		b.town.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: path, Secure: !b.town.plain, HttpOnly: true}})
}

// drop takes a cookie of the path / out of the browser.
func (b *browser) drop(name string) {
	u, err := url.Parse(b.town.origin() + "/")
	if err != nil {
		b.town.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1}})
}

// secrets are the cookies by which sign-ins are tied to the browser.
func (b *browser) secrets() map[string]string {
	found := b.cookies("/")
	maps.DeleteFunc(found, func(name, _ string) bool { return !strings.Contains(name, "wechat-browser-") })
	return found
}

// secretsOf gives the browser the secrets of another one, as if it was that
// one.
func (b *browser) secretsOf(other *browser) {
	for name, value := range other.secrets() {
		b.plant("/", name, value)
	}
}

// dropSecrets has the browser forget its secrets.
func (b *browser) dropSecrets() {
	for name := range b.secrets() {
		b.drop(name)
	}
}
