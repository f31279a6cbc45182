package console

import (
	"net/http"
	"strings"
	"time"
)

// bansPage lists the banned persons.
type bansPage struct {
	Bans []struct {
		Person string    `json:"person"`
		At     time.Time `json:"at"`
	} `json:"bans"`
	Erased int `json:"erased"` // bans of erased persons, of which only a hash is kept
}

// listBans lists the bans.
func (v *visit) listBans() error {
	var p bansPage
	if err := v.get(callPath("bans"), &p); err != nil {
		return err
	}
	v.show(page{name: "bans", data: p})
	return nil
}

// liftBan lifts a ban by any id of the person, who may be erased.
func (v *visit) liftBan() error {
	id := strings.TrimSpace(v.form.Get("id"))
	if id == "" || len(id) > maxSearch {
		return problem{status: http.StatusBadRequest, text: "search"}
	}
	if err := v.call(http.MethodDelete, with(callPath("bans"), "id", id), nil); err != nil {
		return err
	}
	v.session.tell("done_unbanned")
	return v.goTo("bans")
}
