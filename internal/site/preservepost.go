package site

import (
	"cmp"
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// PreservePost says what happens to a form that is posted without a session.
type PreservePost string

// The values of the option preserve_post. The zero value is PreserveOff.
const (
	PreserveOn   PreservePost = "on"   // kept, and sent after a tap (default)
	PreserveAuto PreservePost = "auto" // kept, and sent to the same person without a tap
	PreserveOff  PreservePost = "off"  // a page says that it was not sent
)

// Keeps reports whether forms are kept.
func (p PreservePost) Keeps() bool { return p == PreserveOn || p == PreserveAuto }

// formerLife is how long after its end a session still tells whose it was.
// Where forms are kept, the browser keeps the cookie so much longer.
const formerLife = 24 * time.Hour

// FormerPerson returns the person of the request's session, even if it has
// ended, "" if the cookies tell none, or several. It grants nothing: it only
// tells whether the next one to sign in is the same person.
func (site *Site) FormerPerson(r *Request) (person string) {
	if r.Identity != nil {
		return r.Identity.Person.ID
	}
	policy := session.Policy{
		Idle:     cmp.Or(max(site.Hub.Policy.Idle, 0), session.DefaultIdle) + formerLife,
		Lifetime: cmp.Or(max(site.Hub.Policy.Lifetime, 0), session.DefaultLifetime) + formerLife,
	}
	sealed := session.Sealed{Keys: site.Hub.Keys, Policy: policy} // without tombstones: an ended session opens, too
	values, _ := r.sessionValues()
	for _, value := range values {
		for _, a := range append([]wechat.Account{site.Account}, site.OtherAccounts...) {
			s, err := sealed.Load(context.WithoutCancel(r.Context()), value, r.Binding(a))
			if err != nil {
				continue
			}
			if person != "" && person != s.Person {
				return "" // attack: a planted cookie names another person
			}
			person = s.Person
		}
	}
	return person
}
