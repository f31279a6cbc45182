package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// readiness is the answer of GET /wechat/ready.
type readiness struct {
	Ready bool `json:"ready"`
	Parts map[string]struct {
		State     string    `json:"state"`
		Since     time.Time `json:"since"`
		LatencyMS float64   `json:"latency_ms"`
		Error     string    `json:"error"`
	} `json:"parts"`
	WeChat struct {
		State string     `json:"state"`
		Call  string     `json:"call"`
		At    *time.Time `json:"at"`
		Error string     `json:"error"`
	} `json:"wechat"`
	Store struct {
		Kind        string `json:"kind"`
		Persistence string `json:"persistence"`
	} `json:"store"`
	Warnings []struct {
		Name    string `json:"warning"`
		Message string `json:"message"`
	} `json:"warnings"`
}

// statusPage is what the first page shows. What an older gateway does not know
// is nil.
type statusPage struct {
	Now       time.Time
	Ready     *readiness
	Gateway   *gatewayStatus
	Hooks     []hookSummary
	Past      *past
	Charts    []chart
	Results   []resultRow
	Hours     []hour
	Remembers string // since when the gateway remembers, if that is less than a day
}

// resultRow is an answer of WeChat that is no success, and what to do about it.
type resultRow struct {
	Result string
	Count  string
	Fix    string
}

// showStatus shows how the gateway is.
func (v *visit) showStatus() error {
	p := statusPage{Now: time.Now()}
	err := v.readReady(&p.Ready)
	if err == nil {
		err = optional(v.get(callPath("status"), &p.Gateway), &p.Gateway)
	}
	if err == nil {
		err = v.get(callPath("webhooks"), &p.Hooks)
	}
	if err == nil {
		err = optional(v.get(callPath("history"), &p.Past), &p.Past)
	}
	// A store that does not answer is what this page is for.
	if err != nil && (p.Ready == nil || problemOf(err).status != http.StatusServiceUnavailable) {
		return err
	}
	if p.Past != nil {
		p.draw(v.language)
	}
	v.show(page{name: "status", data: p})
	return nil
}

// draw makes the charts and their tables.
func (p *statusPage) draw(l language) {
	d := dayUntil(p.Now, p.Past.Since)
	p.Charts = []chart{p.Past.signIns(d), p.Past.failures(d), p.Past.latency(d)}
	for _, one := range p.Past.results(d) {
		p.Results = append(p.Results, resultRow{one.Result, whole(float64(one.Count)), one.Fix(l)})
	}
	p.Hours = p.Past.hours(d)
	if p.Past.Since.After(d.begins) {
		p.Remembers = moment(p.Past.Since)
	}
}

// readReady reads the state of the parts. The answer is 503 while the gateway
// is not ready, and has the same form. An older gateway does not have the call.
func (v *visit) readReady(into **readiness) error {
	err := v.get(callPath("ready"), into)
	var refused *Refusal
	if errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable && refused.Body != nil {
		var r readiness
		if json.Unmarshal(refused.Body, &r) == nil && len(r.Parts) > 0 {
			*into = &r
			return nil
		}
	}
	return optional(err, into)
}

// optional makes a call that an older gateway does not have an answer without
// content.
func optional[T any](err error, into **T) error {
	if err != nil {
		*into = nil
		if problemOf(err).text == "older" {
			return nil
		}
	}
	return err
}
