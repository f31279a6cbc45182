package console

import (
	"cmp"
	"slices"
	"time"
)

// accountPushes is an account in the answer of GET /wechat/pushes.
type accountPushes struct {
	Account      string         `json:"account"`
	Path         string         `json:"path"`
	Results      map[string]int `json:"results"`
	Waiting      int            `json:"waiting"`
	LastPush     *time.Time     `json:"last_push"`
	LastVerified *time.Time     `json:"last_verified"`
}

// resultCount is how many pushes had a result.
type resultCount struct {
	Result string
	Count  int
}

// Counts returns the results that happened, the most frequent first.
func (a accountPushes) Counts() []resultCount {
	var all []resultCount
	for result, n := range a.Results {
		if n > 0 {
			all = append(all, resultCount{result, n})
		}
	}
	slices.SortFunc(all, func(a, b resultCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Result, b.Result))
	})
	return all
}

// showPushes shows the message pushes of each account.
func (v *visit) showPushes() error {
	var list []accountPushes
	if err := v.get(callPath("pushes"), &list); err != nil {
		return err
	}
	v.show(page{name: "pushes", data: list})
	return nil
}
