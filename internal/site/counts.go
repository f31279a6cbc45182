package site

import (
	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Counts counts what sites do, through all configurations of a process. No row
// comes from a visitor. A nil Counts counts nothing. It must not be copied.
type Counts struct {
	SignIns   signin.Counts
	Renewed   counters.Table[counters.Counter] // sessions, by account
	Ended     counters.Table[counters.Counter] // sessions, by reason
	decisions [decisions]counters.Counter
}

// AddAccounts adds the rows of a configuration's accounts, and those without an
// account.
func (c *Counts) AddAccounts(accounts []wechat.Account) {
	c.Ended.Add(signout.CountReasons())
	for _, a := range accounts {
		c.SignIns.AddAccount(a)
		c.Renewed.Add([]string{a.Name})
	}
}

// signIns and the next two return a part of the counts, nil for none.
func (c *Counts) signIns() *signin.Counts {
	if c == nil {
		return nil
	}
	return &c.SignIns
}

func (c *Counts) renewed() *counters.Table[counters.Counter] {
	if c == nil {
		return nil
	}
	return &c.Renewed
}

func (c *Counts) ended() *counters.Table[counters.Counter] {
	if c == nil {
		return nil
	}
	return &c.Ended
}
