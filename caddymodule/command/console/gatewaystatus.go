package console

import (
	"strings"
	"time"
)

// gatewayStatus is what the console shows of the answer of GET /wechat/status.
type gatewayStatus struct {
	Version  string        `json:"version"` // empty in a build without one, of an older gateway
	Caddy    string        `json:"caddy"`
	Started  time.Time     `json:"started"`
	Persons  *float64      `json:"persons"` // nil if the store does not tell
	Accounts []accountName `json:"accounts"`
	Sites    []siteName    `json:"sites"`
}

// accountName is a WeChat account of the configuration.
type accountName struct {
	Name string `json:"name"`
}

// siteName is a site of the configuration.
type siteName struct {
	Origin string `json:"origin"` // empty if each request says it
}

// listed is how many names a tile lists.
const listed = 3

// AccountNames names some of the accounts.
func (s gatewayStatus) AccountNames() []string {
	var names []string
	for _, a := range s.Accounts {
		names = append(names, a.Name)
	}
	return some(names)
}

// SiteNames names some of the sites. A site without an origin has no name.
func (s gatewayStatus) SiteNames() []string {
	var names []string
	for _, site := range s.Sites {
		if _, host, ok := strings.Cut(site.Origin, "://"); ok {
			names = append(names, host)
		}
	}
	return some(names)
}

// some shortens a list.
func some(names []string) []string {
	if len(names) > listed {
		return append(names[:listed:listed], "…")
	}
	return names
}

// Count is the number of persons, "" if it is not known.
func (s gatewayStatus) Count() string {
	if s.Persons == nil {
		return ""
	}
	return whole(*s.Persons)
}
