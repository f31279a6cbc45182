package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// personsAtOnce is how many persons a page has if the call does not say.
	personsAtOnce = 50
	// namesakesAtOnce is how many persons a search by nickname answers at most.
	namesakesAtOnce = 50
)

// personPage is a page of the list of persons.
type personPage struct {
	Persons []personSummary `json:"persons"`
	Next    string          `json:"next,omitempty"` // left out at the end
}

// personCount is the number of persons.
type personCount struct {
	Persons int `json:"persons"`
}

// askPersons lists all persons, or finds those that the query describes.
func (d desk) askPersons(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{"openid"}, []string{"app_id", "openid"}, []string{"unionid"}, []string{"id"}, []string{"nickname"},
		[]string{}, []string{"limit"}, []string{"after"}, []string{"after", "limit"})
	switch {
	case err != nil:
		return err
	case q.Has("nickname"):
		return d.findNickname(w, r, q.Get("nickname"))
	case q.Has("openid") || q.Has("unionid") || q.Has("id"):
		return d.findPerson(w, r, q)
	default:
		return d.listPersons(w, r, q)
	}
}

// listPersons answers with a page of all persons, the one last seen first.
func (d desk) listPersons(w http.ResponseWriter, r *http.Request, q url.Values) error {
	limit, err := limitOf(q, personsAtOnce, ledger.MaxList)
	if err != nil {
		return err
	}
	some, next, err := d.ledger.List(r.Context(), q.Get("after"), limit)
	if errors.Is(err, ledger.ErrInvalid) {
		return refuseAdmin(invalidQuery, "after must be what the page before gave as next", nil)
	}
	if err != nil {
		return adminError(err)
	}
	d.audit(audit.ActionAdmin, "", "persons list")
	return writeAdmin(w, http.StatusOK, personPage{d.summaries(some), next})
}

// findNickname answers with persons whose nickname begins with a text.
func (d desk) findNickname(w http.ResponseWriter, r *http.Request, prefix string) error {
	some, err := d.ledger.FindNickname(r.Context(), prefix, namesakesAtOnce)
	if errors.Is(err, ledger.ErrInvalid) {
		return refuseAdmin(invalidQuery, plain(err), nil)
	}
	if err != nil {
		return adminError(err)
	}
	d.audit(audit.ActionAdmin, "", "persons find nickname")
	return writeAdmin(w, http.StatusOK, d.summaries(some))
}

// countPersons answers with the number of persons.
func (d desk) countPersons(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	n, err := d.ledger.Count(r.Context())
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, personCount{n})
}

func (d desk) summaries(some []ledger.Person) []personSummary {
	all := make([]personSummary, 0, len(some))
	for i := range some {
		all = append(all, d.summary(&some[i]))
	}
	return all
}

// limitOf reads the parameter limit, from 1 to most.
func limitOf(q url.Values, usual, most int) (int, error) {
	if !q.Has("limit") {
		return usual, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > most {
		return 0, refuseAdmin(invalidQuery, fmt.Sprintf("limit must be a number from 1 to %d", most), nil)
	}
	return n, nil
}
