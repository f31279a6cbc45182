package caddymodule

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// pushPrefix is in front of the name of the account that a push is for.
const pushPrefix = gate.Prefix + "push/"

// pushPatience is how long the end of a configuration waits for what WeChat has
// told and the ledger does not have yet.
const pushPatience = 5 * time.Second

// newPushes makes the handler of pushes, nil where no account gets any.
func (a *App) newPushes(o opened) *push.Handler {
	accounts := map[string]*push.Account{}
	for _, account := range a.accounts {
		p := account.push
		if p == nil {
			continue
		}
		accounts[account.Name] = &push.Account{
			Name: account.Name, Kind: wechat.PushKind(account.kind),
			Keys:  wechat.PushKeys{AppID: account.Credentials.AppID, Tokens: p.tokens, AESKeys: p.aesKeys},
			Relay: p.relay, RelayAll: p.relayAll, ForgetOnUnsubscribe: p.forget,
			Counts: pushCounts.of(account.Name),
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	h := &push.Handler{
		Accounts: accounts, Ledger: o.ledger, Lifetime: a.policy.Lifetime + session.MaxSkew,
		Logger: a.logger, Audit: a.auditPush,
	}
	if o.directory != nil {
		h.EndSessions = func(ctx context.Context, p ledger.Person) error {
			for _, id := range allIDs(&p) {
				if _, err := o.directory.EndPerson(ctx, id); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if a.upkeep != nil {
		h.Refetch = a.upkeep.Refetch
	}
	return h
}

// auditPush writes the line about a push that was acted on.
func (a *App) auditPush(e push.Entry) {
	action := gate.ActionRevoke
	if e.Kind == ledger.Cancelled {
		action = gate.ActionErase
	}
	reason := e.Event
	if e.Reason != "" && e.Reason != e.Event {
		reason += " " + e.Reason
	}
	gate.WriteAudit(a.audit, gate.AuditRecord{Action: action, Account: e.Account, User: e.Person.ID, Reason: reason})
}

// servePush answers WeChat's server. Neither cookies nor identity matter here:
// only what is signed has any effect.
func (a *App) servePush(w http.ResponseWriter, r *http.Request, path string) error {
	if _, err := a.open(); err != nil {
		return caddyhttp.Error(http.StatusServiceUnavailable, errNotReady)
	}
	account := strings.TrimPrefix(path, pushPrefix)
	if a.pushes == nil {
		w.WriteHeader(http.StatusNotFound)
		return nil
	}
	a.pushes.Serve(w, r, account)
	return nil
}
