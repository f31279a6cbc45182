package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// letterPage is one event with what is sent.
type letterPage struct {
	Hook      string
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Attempts  int             `json:"attempts"`
	At        *time.Time      `json:"at"`
	NextTry   *time.Time      `json:"next_try"`
	Died      *time.Time      `json:"died"`
	LastError string          `json:"last_error"`
	Dead      bool            `json:"dead"`
	User      string          `json:"user"`
	Body      json.RawMessage `json:"body"`
}

// Text is the body with line breaks.
func (p letterPage) Text() string {
	raw := []byte(p.Body)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		raw = []byte(quoted)
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// showLetter shows an event of a webhook.
func (v *visit) showLetter() error {
	name, err := v.hook()
	if err != nil {
		return err
	}
	id, err := v.letter()
	if err != nil {
		return err
	}
	p := letterPage{Hook: name}
	if err := v.get(callPath("webhooks", name, "letters", id), &p); err != nil {
		return err
	}
	v.show(page{name: "letter", data: p})
	return nil
}

// purging is the confirmation of the removal of dead letters.
func purging(name, letter string) confirmation {
	c := confirmation{Text: "purge_all", About: name, Cancel: "webhooks/" + name, Fields: map[string]string{"all": "yes"}}
	if letter != "" {
		c.Text, c.About, c.Fields = "purge", letter, map[string]string{"letter": letter}
	}
	return c
}

// confirmPurge asks whether to remove dead letters.
func (v *visit) confirmPurge() error {
	name, err := v.hook()
	if err != nil {
		return err
	}
	letter := v.r.URL.Query().Get("letter")
	if letter != "" && !plainName.MatchString(letter) {
		return errNoPage
	}
	return v.confirm(purging(name, letter))
}

// purge removes a dead letter, or all.
func (v *visit) purge() error {
	name, path, err := v.lettersPath("dead")
	if err != nil {
		return err
	}
	var answer struct {
		Purged int `json:"purged"`
	}
	if err := v.call(http.MethodDelete, path, &answer); err != nil {
		return err
	}
	v.session.tell("done_purged", answer.Purged)
	return v.goTo("webhooks", name)
}
