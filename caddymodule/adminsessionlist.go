package caddymodule

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// sessionSummary is a session in a list. Its id can be used only to end the
// session.
type sessionSummary struct {
	ID      string    `json:"id"`
	Site    string    `json:"site"`
	AppID   string    `json:"app_id"`
	Scope   string    `json:"scope"`
	Created time.Time `json:"created"`
	Renewed time.Time `json:"renewed"`
	Expires time.Time `json:"expires"`
	// SeenHere says that the list has only what this gateway has seen since it
	// started.
	SeenHere bool `json:"seen_here,omitempty"`
}

// listSessions lists a person's sessions.
func (d desk) listSessions(w http.ResponseWriter, r *http.Request) error {
	p, err := d.personOf(r)
	if err != nil {
		return err
	}
	list, err := d.sessionsOf(r.Context(), p)
	if err != nil {
		return err
	}
	d.audit(audit.ActionAdmin, p.ID, "sessions list")
	return writeAdmin(w, http.StatusOK, list)
}

// sessionsOf returns a person's sessions under all ids of the person, newest
// first. Those that the ledger has ended, with everyone's or by a withdrawal,
// may still be in the store.
func (d desk) sessionsOf(ctx context.Context, p *ledger.Person) ([]sessionSummary, error) {
	list := []sessionSummary{}
	if d.directory == nil && d.seen == nil {
		return nil, adminError(errEndless)
	}
	for _, id := range allIDs(p) {
		if d.directory == nil {
			list = append(list, d.seen.sessions(id)...)
			continue
		}
		infos, err := d.directory.Sessions(ctx, id)
		if err != nil {
			return nil, adminError(err)
		}
		over := d.personEnded(id)
		for _, i := range infos {
			if !i.Created.After(over) {
				continue
			}
			list = append(list, sessionSummary{i.ID, i.Site, i.AppID, i.Scope, i.Created, i.Renewed, i.Expires, false})
		}
	}
	slices.SortStableFunc(list, func(a, b sessionSummary) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}
