package site

import (
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/signin"
)

// Teller returns what queues events about visitors for the business systems.
func (site *Site) Teller() notice.Teller {
	return notice.Teller{Ledger: site.Hub.Ledger, Limits: &site.Hub.Memory.events, Untold: &site.untold, Log: site.Log()}
}

// Signer returns what makes the sessions of the site.
func (site *Site) Signer() signin.Signer {
	return signin.Signer{
		Once: &site.Hub.Memory.Once, Ledger: site.Hub.Ledger, Store: site.Hub.Store, PersonEnded: site.Hub.PersonEnded,
		Ends: site.ends(), Teller: site.Teller(), Log: site.Log(), Audit: site.Audit,
		NameOf: func(appID string) string { return site.AccountOf(appID).Name },
		Counts: site.Hub.Counts.signIns(), Trace: site.Hub.TraceSignIn, MayEnter: site.MayEnter,
	}
}

// SignIns returns what counts the site's sign-ins, nil for nothing.
func (site *Site) SignIns() *signin.Counts { return site.Hub.Counts.signIns() }

// Exchanger returns how each account of the site exchanges the codes of a
// request at WeChat.
func (site *Site) Exchanger(r *Request) signin.Exchanger {
	return signin.Exchanger{
		WeChat: site.Hub.WeChat, Ledger: site.Hub.Ledger, Keys: site.Hub.Keys, Log: site.Log(),
		KeepGrants: site.Hub.KeepGrants, Flow: r.Flow, FollowerUnionID: site.Hub.FollowerUnionID,
	}
}
