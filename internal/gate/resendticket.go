package gate

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

const purposeResend = "form"

// resendTicket is what the gateway knows of a form that waits in a tab. It is
// sealed into the address of the page that sends the form.
type resendTicket struct {
	ID      string       `json:"i"` // of the form in the tab
	At      int64        `json:"t"` // Unix seconds
	Person  string       `json:"p,omitempty"`
	Need    wechat.Scope `json:"s"` // of the form's path
	Binding []byte       `json:"b"` // digest of a secret of the browser, which a logout clears
}

// bindingOf names the use of a browser's secret: no value of a flow's cookie
// has a blank.
func bindingOf(id string) string { return "form " + id }

func newResendTicket(person string, need wechat.Scope, secret string) resendTicket {
	id := rand.Text()
	digest := cookies.Flow.Bind(bindingOf(id), secret)
	return resendTicket{ID: id, At: time.Now().Unix(), Person: person, Need: need, Binding: digest[:cookies.MinBinding]}
}

// path returns the address of the page that sends the form.
func (t resendTicket) path(keys *session.Ring, bound string) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	sealed, err := keys.SealCompact(purposeResend, bound, plain)
	if err != nil {
		return "", err
	}
	return request.ResendPath + sealed, nil
}

// openResendTicket reads a ticket from such an address.
func openResendTicket(keys *session.Ring, bound, path string) (t resendTicket, ok bool) {
	if !request.IsResendPath(path) {
		return t, false
	}
	plain, err := keys.OpenCompact(purposeResend, bound, strings.TrimPrefix(path, request.ResendPath))
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return resendTicket{}, false
	}
	return t, true
}

// lives reports whether the form may still be sent from a browser with these
// secrets.
func (t resendTicket) lives(held cookies.Secrets) bool {
	age := time.Since(time.Unix(t.At, 0))
	return age < keepsForm && age > -session.MaxSkew && held.BindsTo(cookies.Flow, bindingOf(t.ID), t.Binding)
}

// visitor names a person to the page of this form, and to no other page.
func (t resendTicket) visitor(person string) string {
	digest := sha256.Sum256([]byte(t.ID + " " + person))
	return hex.EncodeToString(digest[:16])
}
