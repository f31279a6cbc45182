package console

import "net/http"

// confirmation is a second page before something that cannot be undone.
type confirmation struct {
	Text   string // name of the texts
	About  string // what it is about; "" for everything
	Word   string // what the operator must type; "" for nothing
	Cancel string // the page to go back to, below the console's path
	Fields map[string]string
}

// confirm asks for a confirmation. The form is sent to the same address.
func (v *visit) confirm(c confirmation) error {
	v.show(page{name: "confirm", title: "title_" + c.Text, data: c})
	return nil
}

// confirmed reports whether the operator has typed the word.
func (v *visit) confirmed(c confirmation) error {
	if v.form.Get("word") != c.Word {
		return problem{status: http.StatusBadRequest, text: "word"}
	}
	return nil
}

// erasure is the confirmation of an erasure. The beginning of the id must be
// typed: a slip of the finger on a phone erases nobody.
func erasure(id string) confirmation {
	return confirmation{Text: "erase", About: id, Word: id[:6], Cancel: "persons/" + id}
}

// confirmErase asks whether to erase a person.
func (v *visit) confirmErase() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	return v.confirm(erasure(id))
}

// erase erases a person.
func (v *visit) erase() error {
	id, err := v.person()
	if err != nil {
		return err
	}
	if err := v.confirmed(erasure(id)); err != nil {
		return err
	}
	if err := v.call(http.MethodDelete, callPath("persons", id), nil); err != nil {
		return err
	}
	v.session.tell("done_erased")
	return v.goTo("persons")
}

// everyone is the confirmation of the end of all sessions.
var everyone = confirmation{Text: "everyone", Word: "everyone", Cancel: "keys"}

func (v *visit) confirmEveryone() error { return v.confirm(everyone) }

// endEveryone ends all sessions of all persons.
func (v *visit) endEveryone() error {
	if err := v.confirmed(everyone); err != nil {
		return err
	}
	var answer struct {
		Ended *int `json:"ended"`
	}
	if err := older(v.call(http.MethodDelete, with(callPath("sessions"), "everyone", "true"), &answer)); err != nil {
		return err
	}
	v.tellEnded(answer.Ended)
	return v.goTo("keys")
}
