package console

import "time"

// gatewayStatus is what the console shows of the answer of GET /wechat/status.
type gatewayStatus struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Uptime  string    `json:"uptime"`
	Persons *float64  `json:"persons"`
}

// Count is the number of persons, "" if it is not known.
func (s gatewayStatus) Count() string {
	if s.Persons == nil {
		return ""
	}
	return whole(*s.Persons)
}
