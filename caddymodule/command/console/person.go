package console

import (
	"net/http"
	"strings"
	"time"
)

// person is the answer of GET /wechat/persons/{id}.
type person struct {
	ID       string `json:"id"`
	UnionID  string `json:"unionid"`
	Accounts []struct {
		AppID     string    `json:"app_id"`
		OpenID    string    `json:"openid"`
		ConsentAt time.Time `json:"consent_at"`
		FirstSeen time.Time `json:"first_seen"`
		LastSeen  time.Time `json:"last_seen"`
		Follow    string    `json:"follow"` // "yes", "no", or "" if no site asks
	} `json:"accounts"`
	Merged    []string  `json:"merged"`
	Nickname  string    `json:"nickname"`
	Avatar    string    `json:"avatar"`
	ProfileAt time.Time `json:"profile_at"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// personSession is a session in the list of a person's.
type personSession struct {
	ID       string    `json:"id"`
	Site     string    `json:"site"`
	AppID    string    `json:"app_id"`
	Scope    string    `json:"scope"`
	Created  time.Time `json:"created"`
	Renewed  time.Time `json:"renewed"`
	Expires  time.Time `json:"expires"`
	SeenHere bool      `json:"seen_here"`
}

// personPage is a person with the person's sessions.
type personPage struct {
	Person   person
	Banned   bool
	Sessions []personSession
	SeenHere bool // the list has only sessions that this gateway has seen
	Unlisted bool // the store cannot list sessions
}

// showPerson shows a person.
func (v *visit) showPerson() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	var p personPage
	if err := v.get(callPath("persons", id), &p.Person); err != nil {
		return err
	}
	var found []personSummary
	if err := v.get(with(callPath("persons"), "id", id), &found); err != nil {
		return err
	}
	p.Banned = len(found) == 1 && found[0].Banned
	if err := v.get(with(callPath("sessions"), "person", id), &p.Sessions); err != nil {
		if p.Unlisted = problemOf(err).text == "not_here"; !p.Unlisted {
			return err
		}
	}
	for _, s := range p.Sessions {
		p.SeenHere = p.SeenHere || s.SeenHere
	}
	v.show(page{name: "person", data: p})
	return nil
}

// exportPerson gives everything that is stored about a person, as a file.
func (v *visit) exportPerson() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	answer, err := v.console.config.Admin.Call(v.r.Context(), http.MethodGet, callPath("persons", id))
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="person-`+id+`.json"`)
	_, _ = v.w.Write(answer) // the browser is gone: the error cannot be reported
	return nil
}

// endSessions ends all sessions of a person, or one.
func (v *visit) endSessions() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	one := v.form.Get("session")
	if one == "" {
		var answer struct {
			Ended *int `json:"ended"`
		}
		if err := v.call(http.MethodDelete, with(callPath("sessions"), "person", id), &answer); err != nil {
			return err
		}
		v.tellEnded(answer.Ended)
		return v.goTo("persons", id)
	}
	if !plainName.MatchString(one) {
		return errNoPage
	}
	if err := v.call(http.MethodDelete, with(callPath("sessions", one), "person", id), nil); err != nil {
		return err
	}
	v.session.tell("done_session_ended")
	return v.goTo("persons", id)
}

// tellEnded tells how many sessions have ended; nil is not known.
func (v *visit) tellEnded(n *int) {
	if n == nil {
		v.session.tell("done_sessions_ended")
		return
	}
	v.session.tell("done_sessions_ended_number", *n)
}

// maxReason bounds the reason of a ban, in bytes.
const maxReason = 200

// ban bans a person.
func (v *visit) ban() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	path, reason := callPath("persons", id, "ban"), strings.TrimSpace(v.form.Get("reason"))
	if len(reason) > maxReason {
		return problem{status: http.StatusBadRequest, text: "reason"}
	}
	if reason != "" {
		path = with(path, "reason", reason)
	}
	if err := v.call(http.MethodPost, path, nil); err != nil {
		return err
	}
	v.session.tell("done_banned")
	return v.goTo("persons", id)
}

// unban lifts the ban of a person.
func (v *visit) unban() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	if err := v.call(http.MethodDelete, callPath("persons", id, "ban"), nil); err != nil {
		return err
	}
	v.session.tell("done_unbanned")
	return v.goTo("persons", id)
}
