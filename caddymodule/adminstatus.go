package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/health"
	"github.com/caddy-wechat/gateway/internal/history"
)

// maxListed bounds each list in the status. A longer list is cut.
const maxListed = 500

// processStarted is when this process started.
var processStarted = time.Now()

// gatewayStatus is the answer of GET /wechat/status: the gateway at a glance. It
// has no secret and nothing about a visitor. What the store does not tell now is
// null.
type gatewayStatus struct {
	Version string    `json:"version"`
	Caddy   string    `json:"caddy"`
	Started time.Time `json:"started"` // the process
	Uptime  int64     `json:"uptime_seconds"`
	Loaded  time.Time `json:"loaded"` // the running configuration

	Ready    bool                         `json:"ready"`
	Parts    map[health.Part]health.State `json:"parts"`
	Store    string                       `json:"store"`
	Persons  *int                         `json:"persons"`
	Accounts []statusAccount              `json:"accounts"`
	Sites    []statusSite                 `json:"sites"`
	Webhooks []statusWebhook              `json:"webhooks"`
	Keys     *statusKeys                  `json:"keys"`
	SignIns  history.Recent               `json:"sign_ins"`
	Cut      bool                         `json:"cut"` // a list is longer than maxListed
}

// statusAccount is a WeChat account of the configuration.
type statusAccount struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	AppID  string `json:"app_id"`
	Pushes bool   `json:"pushes"` // the account takes message pushes
}

// statusSite is a site with wechat_auth. Its origin is empty if each request
// says it.
type statusSite struct {
	Origin   string   `json:"origin"`
	Accounts []string `json:"accounts"`
}

// statusWebhook is the queue of a webhook.
type statusWebhook struct {
	Name    string `json:"name"`
	Waiting *int   `json:"waiting"`
	Dead    *int   `json:"dead"`
}

// statusKeys is the ring of session keys.
type statusKeys struct {
	Generated bool       `json:"generated"`
	Count     int        `json:"count"`
	Newest    *time.Time `json:"newest,omitempty"` // when it was made; generated keys only
}

// answerStatus answers GET /wechat/status. It waits for the store about a
// second, and never longer than the checks of health do.
func (a *App) answerStatus(w http.ResponseWriter, _ *http.Request) error {
	now := time.Now()
	s := gatewayStatus{
		Version: Version(), Caddy: caddyVersion(),
		Started: processStarted.UTC(), Uptime: int64(now.Sub(processStarted).Seconds()), Loaded: a.loaded.UTC(),
		Parts: map[health.Part]health.State{}, Store: a.store.kind(),
		SignIns: history.Recent{Since: now.UTC(), Finished: map[string]uint64{}},
	}
	if a.history != nil {
		s.SignIns = a.history.Recent()
	}
	report := a.health.Ask()
	s.Ready = report.Ready()
	for _, result := range report {
		s.Parts[result.Part] = result.State
	}
	s.Accounts, s.Cut = a.statusAccounts(), max(len(a.accounts), len(a.sites), len(a.webhooks)) > maxListed
	s.Sites = append([]statusSite{}, a.sites[:min(len(a.sites), maxListed)]...)
	s.addStore(a)
	return writeAdmin(w, http.StatusOK, s)
}

func (a *App) statusAccounts() []statusAccount {
	list := []statusAccount{}
	for _, account := range a.accounts[:min(len(a.accounts), maxListed)] {
		list = append(list, statusAccount{account.Name, string(account.Kind), account.Credentials.AppID, account.push != nil})
	}
	return list
}

// addStore adds what the store tells, as far as it is open.
func (s *gatewayStatus) addStore(a *App) {
	s.Webhooks = []statusWebhook{}
	for _, hook := range a.webhooks[:min(len(a.webhooks), maxListed)] {
		s.Webhooks = append(s.Webhooks, statusWebhook{Name: hook.target.Name})
	}
	if a.hub.Load() == nil || a.probe == nil {
		return
	}
	state := a.probe.read()
	s.Persons = state.persons
	for i := range s.Webhooks {
		if hook := state.hooks[i]; hook.known {
			s.Webhooks[i].Waiting, s.Webhooks[i].Dead = &hook.waiting, &hook.dead
		}
	}
	shown, err := a.shownKeys()
	if err != nil {
		return // readiness says that the keys have failed
	}
	s.Keys = &statusKeys{Generated: shown.Generated, Count: len(shown.Keys)}
	if shown.Generated {
		s.Keys.Newest = shown.Keys[0].Created
	}
}
