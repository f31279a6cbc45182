package push

import (
	"net/url"
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Account is one WeChat account with message push. It must not be changed once
// a Handler has it.
type Account struct {
	// Name is the last part of the path: /_wechat/push/<name>.
	Name string
	// Kind decides what the codes of a revocation mean.
	Kind wechat.AccountKind
	// Keys are the tokens, AES keys and the app id.
	Keys wechat.PushKeys
	// Relay gets every push that this package does not handle; nil for none.
	// WeChat's query is appended to the relay's own. Redirects are not
	// followed.
	Relay *url.URL
	// RelayAll sends the handled events to the relay too.
	RelayAll bool
	// ForgetOnUnsubscribe removes the nickname and avatar of a person who
	// unfollows the account, and ends the person's sessions.
	ForgetOnUnsubscribe bool
	// Followers records in the ledger who follows and unfollows the account,
	// because a site admits its followers only. Without it and
	// ForgetOnUnsubscribe, these pushes are ignored.
	Followers bool
	// Counts counts the pushes; nil for no counts. Accounts and handlers may
	// share one, as before and after a reload.
	Counts *Counts
}

// Counts counts the pushes of one account.
type Counts struct {
	Verified  atomic.Uint64 // checks of the server URL, answered
	Received  atomic.Uint64 // signed pushes that were accepted
	Refused   atomic.Uint64 // not signed, or for another account: 403
	Stale     atomic.Uint64 // signed, but the timestamp is too old or in the future: 403
	Unread    atomic.Uint64 // signed, but neither XML nor JSON
	Acted     atomic.Uint64 // events carried out in the ledger
	Repeated  atomic.Uint64 // events that were already carried out or in progress
	NoPerson  atomic.Uint64 // events about a person who is not in the ledger, or without openid and unionid
	Late      atomic.Uint64 // answered before the event was carried out
	Retried   atomic.Uint64 // repeated tries
	Lost      atomic.Uint64 // events given up: at the end of the process, or refused by the ledger
	Full      atomic.Uint64 // not accepted, too many events wait: 503
	Unkept    atomic.Uint64 // not accepted, neither the ledger nor the journal can be written: 503
	Relayed   atomic.Uint64 // pushes that the relay answered
	RelayFail atomic.Uint64 // pushes that the relay did not answer in time
	Waiting   atomic.Int64  // events not carried out yet

	// When the last push was accepted, and the server URL was last checked, in
	// seconds since 1970; 0 for never.
	LastReceived, LastVerified atomic.Int64
}

// counts returns Counts, or unused counters if it is nil.
func (a *Account) counts() *Counts {
	if a.Counts == nil {
		return new(Counts)
	}
	return a.Counts
}
