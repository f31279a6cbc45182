package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// pushPrefix begins the paths of message pushes. The account's name follows.
const pushPrefix = request.Prefix + "push/"

// pushPatience is how long the end of a configuration waits until the ledger
// has the accepted pushes.
const pushPatience = 5 * time.Second

// purposePush is the purpose for which the entries of the push journal are
// sealed.
const purposePush = "push"

// openPushes starts the push handler and resumes the pushes in the journal.
func (a *App) openPushes(o opened, ring *session.Ring) {
	if a.pushes = a.newPushes(o, ring); a.pushes == nil {
		return
	}
	if err := a.pushes.Resume(); err != nil {
		a.logger.Error("not all pushes in the journal could be resumed", slog.Any("error", err))
	}
}

// newPushJournal returns the journal of pushes that the ledger does not have
// yet, in Caddy's data directory. An entry contains an openid, so it is sealed
// with the session keys.
func newPushJournal(ring *session.Ring) *push.Files {
	return &push.Files{
		Folder: filepath.Join(caddy.AppDataDir(), "wechat", "pushes"),
		Seal:   func(name string, entry []byte) (string, error) { return ring.Seal(purposePush, name, entry) },
		Open:   func(name, sealed string) ([]byte, error) { return ring.Open(purposePush, name, sealed) },
	}
}

// newPushes makes the push handler, nil if no account has message push
// configured.
func (a *App) newPushes(o opened, ring *session.Ring) *push.Handler {
	accounts := map[string]*push.Account{}
	for _, account := range a.accounts {
		p := account.push
		if p == nil {
			continue
		}
		accounts[account.Name] = &push.Account{
			Name: account.Name, Kind: account.Kind,
			Keys:  wechat.PushKeys{AppID: account.Credentials.AppID, Tokens: p.tokens, AESKeys: p.aesKeys},
			Relay: p.relay, RelayAll: p.relayAll, ForgetOnUnsubscribe: p.forget,
			Followers: a.admitsFollowers(account.Credentials.AppID),
			Counts:    pushCounts.of(account.Name),
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	h := &push.Handler{
		Accounts: accounts, Ledger: o.ledger, Lifetime: a.policy.Lifetime + session.MaxSkew,
		Journal: newPushJournal(ring), Logger: a.logger, Audit: a.auditPush,
	}
	if o.directory != nil {
		h.EndSessions = func(ctx context.Context, p ledger.Person, at time.Time) error {
			for _, id := range allIDs(&p) {
				if _, err := o.directory.EndPersonAt(ctx, id, at); err != nil {
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

// auditPush writes the audit line of a push that changed the ledger.
func (a *App) auditPush(e push.Entry) {
	action := audit.ActionRevoke
	if e.Kind == ledger.Cancelled {
		action = audit.ActionErase
	}
	counts.sites.Ended.Of(signout.CountPush).Inc()
	reason := e.Event
	if e.Reason != "" && e.Reason != e.Event {
		reason += " " + e.Reason
	}
	a.audit.Write(audit.Record{Action: action, Account: e.Account, User: e.Person.ID, Reason: reason})
}

// servePush answers WeChat's server. It ignores cookies and identity: only
// signed pushes have an effect.
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
