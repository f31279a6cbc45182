package console

import (
	"net/http"
	"time"
)

// keysPage lists the session keys, by their ids.
type keysPage struct {
	Generated bool `json:"generated"`
	Keys      []struct {
		ID      string     `json:"id"`
		Created *time.Time `json:"created"` // nil for configured keys, as the next
		Seals   *time.Time `json:"seals"`
		State   string     `json:"state"`
	} `json:"keys"`
	Older bool `json:"-"`
}

// showKeys lists the session keys.
func (v *visit) showKeys() error {
	p := new(keysPage)
	if err := optional(v.get(callPath("keys"), &p), &p); err != nil {
		return err
	}
	if p == nil {
		p = &keysPage{Generated: true, Older: true}
	}
	v.show(page{name: "keys", data: p})
	return nil
}

// rotateKeys adds a key.
func (v *visit) rotateKeys() error {
	var answer struct {
		Key   string    `json:"key"`
		Seals time.Time `json:"seals"`
	}
	if err := v.call(http.MethodPost, callPath("keys", "rotate"), &answer); err != nil {
		return err
	}
	v.session.tell("done_rotated", answer.Key, moment(answer.Seals))
	return v.goTo("keys")
}

// retirement is the confirmation of the end of all keys.
var retirement = confirmation{Text: "retire", Word: "retire", Cancel: "keys"}

func (v *visit) confirmRetire() error { return v.confirm(retirement) }

// retireKeys replaces all keys at once.
func (v *visit) retireKeys() error {
	if err := v.confirmed(retirement); err != nil {
		return err
	}
	var answer struct {
		Key string `json:"key"`
	}
	if err := v.call(http.MethodPost, with(callPath("keys", "rotate"), "retire_now", "true"), &answer); err != nil {
		return err
	}
	v.session.tell("done_retired", answer.Key)
	return v.goTo("keys")
}
