package console

import "time"

// gatewayStatus is what the console shows of the answer of GET /wechat/status.
type gatewayStatus struct {
	Version  string        `json:"version"` // empty in a build without one
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

// Count is the number of persons, "" if it is not known.
func (s gatewayStatus) Count() string {
	if s.Persons == nil {
		return ""
	}
	return whole(*s.Persons)
}
