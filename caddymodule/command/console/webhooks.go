package console

import (
	"net/http"
	"time"
)

// hookSummary is a webhook in the list.
type hookSummary struct {
	Name    string `json:"name"`
	Waiting int    `json:"waiting"`
	Dead    int    `json:"dead"`
}

// listWebhooks lists the webhooks.
func (v *visit) listWebhooks() error {
	var list []hookSummary
	if err := v.get(callPath("webhooks"), &list); err != nil {
		return err
	}
	v.show(page{name: "webhooks", data: list})
	return nil
}

// hookPage is a webhook with its events.
type hookPage struct {
	Name  string
	Hook  *hookDetails // nil: the gateway is older
	Dead  []deadLetter
	After string // the last letter of a full list
}

// hookDetails is the answer of GET /wechat/webhooks/{name}.
type hookDetails struct {
	Name      string         `json:"name"`
	Host      string         `json:"host"`
	Waiting   int            `json:"waiting"`
	Dead      int            `json:"dead"`
	Oldest    *time.Time     `json:"oldest"`
	NextTry   *time.Time     `json:"next_try"`
	LastError string         `json:"last_error"`
	Events    []waitingEvent `json:"events"`
}

// waitingEvent is an event that is not delivered yet.
type waitingEvent struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Attempts  int        `json:"attempts"`
	NextTry   *time.Time `json:"next_try"`
	LastError string     `json:"last_error"`
}

// deadLetter is an event that the gateway has given up.
type deadLetter struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	User     string    `json:"user"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Reason   string    `json:"reason"`
}

// lettersAtOnce is how many dead letters the gateway lists at once.
const lettersAtOnce = 100

// showWebhook shows a webhook, its waiting events and its dead letters.
func (v *visit) showWebhook() error {
	name, err := v.hook()
	if err != nil {
		return err
	}
	p := hookPage{Name: name}
	if err := optional(v.get(callPath("webhooks", name), &p.Hook), &p.Hook); err != nil {
		return err
	}
	path := callPath("webhooks", name, "dead")
	if after := v.r.URL.Query().Get("after"); plainName.MatchString(after) {
		path = with(path, "after", after)
	}
	if err := v.get(path, &p.Dead); err != nil {
		return err
	}
	if len(p.Dead) == lettersAtOnce {
		p.After = p.Dead[len(p.Dead)-1].ID
	}
	v.show(page{name: "webhook", data: p})
	return nil
}

// redeliver sends a dead letter again, or all.
func (v *visit) redeliver() error {
	name, path, err := v.lettersPath("redeliver")
	if err != nil {
		return err
	}
	var answer struct {
		Redelivered int `json:"redelivered"`
	}
	if err := v.call(http.MethodPost, path, &answer); err != nil {
		return err
	}
	v.session.tell("done_redelivered", answer.Redelivered)
	return v.goTo("webhooks", name)
}

// lettersPath is the path of a call about the letter that the form names, or
// about all letters of the webhook.
func (v *visit) lettersPath(what string) (name, path string, err error) {
	if name, err = v.hook(); err != nil {
		return "", "", err
	}
	path = callPath("webhooks", name, what)
	letter := v.form.Get("letter")
	switch {
	case letter == "" && v.form.Get("all") == "yes":
		return name, path, nil
	case plainName.MatchString(letter):
		return name, with(path, "id", letter), nil
	}
	// Attack, or a mistake: an empty id must not mean all letters.
	return "", "", errNoPage
}

// test sends a test event.
func (v *visit) test() error {
	name, err := v.hook()
	if err != nil {
		return err
	}
	var answer struct {
		Status       int `json:"status"`
		Milliseconds int `json:"milliseconds"`
	}
	if err := v.call(http.MethodPost, callPath("webhooks", name, "test"), &answer); err != nil {
		if refused := problemOf(err); refused.text == "failed" {
			return problem{http.StatusBadGateway, "test", refused.says}
		}
		return err
	}
	v.session.tell("done_tested", answer.Status, answer.Milliseconds)
	return v.goTo("webhooks", name)
}
