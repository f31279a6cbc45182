package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// verification is what one call of verify found.
type verification struct {
	Checked  int             `json:"checked"` // entries of the ledger's tables
	Problems []ledgerProblem `json:"problems"`
	Next     string          `json:"next,omitempty"` // left out at the end
}

// ledgerProblem is a contradiction in the ledger.
type ledgerProblem struct {
	Problem string `json:"problem"`
	In      string `json:"in"`               // the table
	Person  string `json:"person,omitempty"` // id
	Detail  string `json:"detail,omitempty"`
}

// verifyLedger checks a part of the ledger. It changes nothing.
func (d desk) verifyLedger(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{}, []string{"after"})
	if err != nil {
		return err
	}
	v, err := d.ledger.Verify(r.Context(), q.Get("after"))
	switch {
	case errors.Is(err, ledger.ErrInvalid):
		return refuseAdmin(invalidQuery, "after must be what the call before gave as next; after a restart of the server, begin without it", nil)
	case err != nil:
		return adminError(err)
	}
	if !q.Has("after") {
		d.audit(audit.ActionAdmin, "", "ledger verify")
	}
	answer := verification{Checked: v.Checked, Problems: []ledgerProblem{}, Next: v.Next}
	for _, p := range v.Problems {
		answer.Problems = append(answer.Problems, ledgerProblem{string(p.Kind), p.In, p.Person, p.Detail})
	}
	return writeAdmin(w, http.StatusOK, answer)
}
