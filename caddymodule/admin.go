package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

func init() {
	caddy.RegisterModule(Admin{})
}

// Admin adds calls under `/wechat/` to Caddy's admin endpoint: about persons,
// their sessions, the ledger, webhooks, message pushes, session keys, and the
// state of the gateway. docs/admin.md describes them. Only clients that may
// change Caddy's configuration may call them.
//
// No answer contains a value that lets a client act as a visitor: no cookie
// value, no token, no key.
type Admin struct{}

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.wechat", New: func() caddy.Module { return new(Admin) }}
}

// adminCall answers one call. Its errors are refusals: see refuseAdmin.
type adminCall func(desk, http.ResponseWriter, *http.Request) error

// adminCalls lists every call by path and method.
var adminCalls = map[string]map[string]adminCall{
	"/wechat/persons":          {http.MethodGet: desk.askPersons},
	"/wechat/persons/{id}":     {http.MethodGet: desk.showPerson, http.MethodDelete: desk.erasePerson},
	"/wechat/persons/{id}/ban": {http.MethodPost: desk.banPerson, http.MethodDelete: desk.unbanPerson},
	"/wechat/bans":             {http.MethodGet: desk.listBans, http.MethodDelete: desk.unbanID},

	"/wechat/sessions":      {http.MethodGet: desk.listSessions, http.MethodDelete: desk.endSessions},
	"/wechat/sessions/{id}": {http.MethodDelete: desk.endSession},
	"/wechat/ledger":        {http.MethodGet: desk.exportLedger, http.MethodPost: desk.importLedger},
	"/wechat/webhooks":      {http.MethodGet: desk.listWebhooks},

	"/wechat/webhooks/{name}":              {http.MethodGet: desk.showWebhook},
	"/wechat/webhooks/{name}/letters/{id}": {http.MethodGet: desk.showLetter},
	"/wechat/webhooks/{name}/test":         {http.MethodPost: desk.testWebhook},
	"/wechat/webhooks/{name}/dead":         {http.MethodGet: desk.listDeadLetters, http.MethodDelete: desk.purgeDead},
	"/wechat/webhooks/{name}/redeliver":    {http.MethodPost: desk.redeliver},

	"/wechat/persons/count":   {http.MethodGet: desk.countPersons},
	"/wechat/ledger/backup":   {http.MethodGet: desk.backUpLedger},
	"/wechat/ledger/verify":   {http.MethodGet: desk.verifyLedger},
	"/wechat/ledger/inactive": {http.MethodGet: desk.showInactive, http.MethodDelete: desk.eraseInactive},

	"/wechat/doctor": {http.MethodGet: desk.examine},

	"/wechat/keys":        {http.MethodGet: desk.showKeys},
	"/wechat/keys/rotate": {http.MethodPost: desk.rotateKeys},

	"/wechat/": {},
}

// earlyCall answers a call that asks for the state of the gateway. It has no
// desk: it must answer while the store cannot be opened.
type earlyCall func(*App, http.ResponseWriter, *http.Request) error

// earlyCalls lists these calls by path. Their methods are GET and HEAD.
var earlyCalls = map[string]earlyCall{
	"/wechat/ready":   (*App).answerReady,
	"/wechat/status":  (*App).answerStatus,
	"/wechat/history": (*App).answerHistory,
	"/wechat/pushes":  (*App).answerPushes,
}

func (call earlyCall) answer(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet+", "+http.MethodHead)
		return refuseAdmin(methodNotAllowed, "this method is not allowed for this call", nil)
	}
	if err := noQuery(r); err != nil {
		return err
	}
	app, err := runningApp()
	if err != nil {
		return err
	}
	return call(app, w, r)
}

// Routes returns the calls. Caddy asks for them before it provisions the apps,
// and also in a configuration without a wechat app, so the app is looked up at
// each call.
func (*Admin) Routes() []caddy.AdminRoute {
	routes := make([]caddy.AdminRoute, 0, len(adminCalls)+len(earlyCalls))
	for pattern, call := range earlyCalls {
		routes = append(routes, caddy.AdminRoute{Pattern: pattern, Handler: adminHandler(call.answer)})
	}
	for pattern, methods := range adminCalls {
		routes = append(routes, caddy.AdminRoute{Pattern: pattern, Handler: adminHandler(
			func(w http.ResponseWriter, r *http.Request) error { return answerAdmin(w, r, methods) })})
	}
	return routes
}

func answerAdmin(w http.ResponseWriter, r *http.Request, methods map[string]adminCall) error {
	if len(methods) == 0 {
		return refuseAdmin(unknownCall, "there is no such call", nil)
	}
	call, ok := methods[r.Method]
	if !ok {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		return refuseAdmin(methodNotAllowed, "this method is not allowed for this call", nil)
	}
	d, err := openDesk(r)
	if err != nil {
		return err
	}
	return call(d, w, r)
}

// desk holds what a call works with: the parts of the running app, and who
// calls.
type desk struct {
	app *App
	opened
	caller caller
}

// runningApp finds the running app at the time of the call, because a reload
// replaces it. A missing app is 503 and not 404: an operator who erases a
// person must not take the answer for "already erased".
func runningApp() (*App, error) {
	running, err := caddy.ActiveContext().AppIfConfigured("wechat")
	if err != nil {
		return nil, refuseAdmin(notConfigured, "the running configuration has no wechat block", err)
	}
	app, ok := running.(*App)
	if !ok {
		return nil, refuseAdmin(notConfigured, "the running wechat app is of another type", nil)
	}
	return app, nil
}

// openDesk opens what a call works with.
func openDesk(r *http.Request) (desk, error) {
	app, err := runningApp()
	if err != nil {
		return desk{}, err
	}
	o, err := app.parts()
	if err != nil {
		return desk{}, adminError(err)
	}
	return desk{app, o, callerOf(r)}, nil
}

// audit writes an operator's action to the audit log, with the caller. person
// is the id of the person that it is about, "" if it is about none or about
// many.
func (d desk) audit(action audit.Action, person, reason string) {
	d.app.audit.Write(audit.Record{
		Action: action, User: person, Reason: reason, Operator: d.caller.operator, From: d.caller.from,
	})
}

// parts returns what the store has opened.
func (a *App) parts() (opened, error) {
	if _, err := a.open(); err != nil {
		return opened{}, fmt.Errorf("%w: %w", ledger.ErrUnavailable, err)
	}
	a.opening.Lock()
	defer a.opening.Unlock()
	return a.opened, nil
}

// adminOutcomes maps errors to the answers that the caller gets. The log has
// the error itself.
var adminOutcomes = []struct {
	err     error
	why     refusal
	message string
}{
	{ledger.ErrNotFound, personNotFound, "there is no such person"},
	{ledger.ErrIndexing, indexBuilding, "the index of persons is being built after an upgrade; try again in a few minutes"},
	{ledger.ErrTooMany, tooManyBans, "the ledger holds as many bans as it can"},
	{ledger.ErrCorrupt, storeCorrupt, "the store contains a record that cannot be read; see the log"},
	{ledger.ErrUnavailable, storeUnavailable, "the store is unavailable; try again"},
	{session.ErrUnavailable, storeUnavailable, "the store is unavailable; try again"},
	{errEndless, notSupported, "this store cannot end the sessions of a person"},
	{session.ErrInvalid, invalidID, "this is not a session id: a session id has 19 characters, as in the list of sessions"},
}

// adminError maps an error of a store to an answer. An unknown error is
// "unavailable", which claims nothing about the person.
func adminError(err error) error {
	for _, o := range adminOutcomes {
		if errors.Is(err, o.err) {
			return refuseAdmin(o.why, o.message, err)
		}
	}
	return refuseAdmin(storeUnavailable, "the store is unavailable; try again", err)
}

// writeAdmin answers with JSON.
func writeAdmin(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return refuseAdmin(internalError, "the answer cannot be written", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the caller is gone: the error cannot be reported
	return nil
}

// Interface guards.
var _ caddy.AdminRouter = (*Admin)(nil)
