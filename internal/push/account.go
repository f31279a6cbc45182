package push

import (
	"net/url"
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Account is one WeChat account that gets pushes. It is not changed once a Handler
// has it.
type Account struct {
	// Name is the last part of the address: /_wechat/push/<name>.
	Name string
	// Kind says what the codes of a revocation mean.
	Kind wechat.AccountKind
	// Keys are the tokens, AES keys and the app id.
	Keys wechat.PushKeys
	// Relay gets every push that is not ours; nil for none. Its own query stays
	// in front of WeChat's. No redirect of it is followed.
	Relay *url.URL
	// RelayAll gives the relay our events too.
	RelayAll bool
	// ForgetOnUnsubscribe: who unfollows the account is to be forgotten, as far
	// as nickname and avatar go. Otherwise an unfollow means nothing to us.
	ForgetOnUnsubscribe bool
	// Counts is where the pushes are counted; nil for nowhere. Accounts and
	// handlers may share one, as before and after a reload.
	Counts *Counts
}

// Counts counts the pushes of one account.
type Counts struct {
	Verified  atomic.Uint64 // checks of the server URL, answered
	Received  atomic.Uint64 // signed pushes, accepted
	Refused   atomic.Uint64 // not signed, or not for us: 403
	Stale     atomic.Uint64 // signed, but too old or ahead: 403
	Unread    atomic.Uint64 // signed, but neither XML nor JSON
	Acted     atomic.Uint64 // steps done in the ledger
	Repeated  atomic.Uint64 // events that had been acted on, or were being
	Nobody    atomic.Uint64 // events about someone the ledger does not know, or without an openid and unionid
	Late      atomic.Uint64 // answered before the step was done
	Retried   atomic.Uint64 // steps tried again
	Lost      atomic.Uint64 // steps given up: at the end of the process, or refused by the ledger
	Full      atomic.Uint64 // not accepted, too many steps wait: 503
	Unkept    atomic.Uint64 // not accepted, neither the ledger nor the journal takes it: 503
	Relayed   atomic.Uint64 // pushes whose answer the relay gave
	RelayFail atomic.Uint64 // pushes that the relay did not take in time
	Waiting   atomic.Int64  // steps not done yet
}

// counts is where to count; for an account without Counts, nowhere.
func (a *Account) counts() *Counts {
	if a.Counts == nil {
		return new(Counts)
	}
	return a.Counts
}
