package console

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// personSummary is a person in a list.
type personSummary struct {
	ID        string    `json:"id"`
	AppIDs    []string  `json:"app_ids"`
	Merged    []string  `json:"merged"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Banned    bool      `json:"banned"`
}

// personsAtOnce is how many persons a page lists.
const personsAtOnce = "50"

// personsPage lists persons: a page of all, or what a search has found.
type personsPage struct {
	Search  search
	Found   bool // of a search
	Persons []personSummary
	Next    string
	Count   string // of all persons; "" if it is not known
	Older   bool   // the gateway cannot list persons
}

// listPersons lists all persons, page by page.
func (v *visit) listPersons() error {
	p := personsPage{Search: search{By: byOpenID}}
	path := with(callPath("persons"), "limit", personsAtOnce)
	if after := v.r.URL.Query().Get("after"); after != "" {
		path = with(callPath("persons"), "limit", personsAtOnce, "after", after)
	}
	var list struct {
		Persons []personSummary `json:"persons"`
		Next    string          `json:"next"`
	}
	err := v.get(path, &list)
	if !v.r.URL.Query().Has("after") {
		err = older(err)
	}
	if err != nil && problemOf(err).text != "older" {
		return err
	}
	p.Persons, p.Next, p.Older = list.Persons, list.Next, err != nil
	var count struct {
		Persons float64 `json:"persons"`
	}
	if !p.Older && v.get(callPath("persons", "count"), &count) == nil {
		p.Count = whole(count.Persons) // without a count the page is useful, too
	}
	v.show(page{name: "persons", data: p})
	return nil
}

// The ways to search.
const (
	byOpenID   = "openid"
	byUnionID  = "unionid"
	byID       = "id"
	byNickname = "nickname"
)

// search is what the form of the page asks for. It is sent with POST: openids
// and names stay out of the browser's history.
type search struct{ By, For, AppID string }

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 200

// findPersons searches. A search by an id leads to the person's page.
func (v *visit) findPersons() error {
	s := search{v.form.Get("by"), v.form.Get("for"), v.form.Get("app_id")}
	if s.For == "" || len(s.For) > maxSearch || len(s.AppID) > maxSearch {
		return problem{status: http.StatusBadRequest, text: "search"}
	}
	path := with(callPath("persons"), s.By, s.For)
	switch s.By {
	case byOpenID:
		if s.AppID != "" {
			path = with(callPath("persons"), s.By, s.For, "app_id", s.AppID)
		}
	case byUnionID, byID, byNickname:
	default:
		return problem{status: http.StatusBadRequest, text: "search"}
	}
	var found []personSummary
	if err := v.get(path, &found); err != nil {
		return err
	}
	if s.By != byNickname && len(found) == 1 && ledger.ValidID(found[0].ID) {
		return v.goTo("persons", found[0].ID)
	}
	v.show(page{name: "persons", data: personsPage{Search: s, Found: true, Persons: found}})
	return nil
}
