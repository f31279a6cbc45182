package gate

import (
	"io"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/form"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
)

// A form that is posted after the session has ended, or that needs more
// consent, is not lost. The answer is a page that contains the form; its script
// puts it into the storage of the tab and leads to the page of resend, which
// signs the visitor in like any other page, and then sends the form. Nothing is
// stored on the server, and nothing of the form is logged.

const (
	// formPatience is how long the body of a form may take to arrive, and its
	// page to be taken. A photo on a phone takes a few seconds.
	formPatience = 20 * time.Second
	// maxForms is how many forms are read at once. Each costs a few MiB.
	maxForms = 32
	// keepsForm is how long a form waits in the tab.
	keepsForm = 10 * time.Minute
)

// What the script of a page does.
const (
	taskKeep = "keep" // keep Record in the tab, and go to Next
	taskSend = "send" // send the form with this ID
	taskDrop = "drop" // drop any form
)

// formTask is the data of form.js.
type formTask struct {
	Task  string `json:"task"`
	ID    string `json:"id,omitempty"`
	Life  int64  `json:"life,omitempty"` // milliseconds that a form is kept
	Auto  bool   `json:"auto,omitempty"` // send without a tap
	Other bool   `json:"other,omitempty"`
	// Visitor is who may send the form. The script asks again before it does.
	Visitor string      `json:"visitor,omitempty"`
	Next    string      `json:"next,omitempty"`
	Record  *formRecord `json:"record,omitempty"`
}

// formRecord is what waits in the tab.
type formRecord struct {
	ID     string    `json:"id"`
	Action string    `json:"action"`         // path and query
	Page   string    `json:"page,omitempty"` // of the form, "" if unknown
	Form   form.Form `json:"form"`
}

// keepForm answers a form with the page that keeps it. Without scripts, and
// where the form cannot be kept, that page says that nothing was sent.
func (g *Gate) keepForm(w http.ResponseWriter, r *site.Request, d newDance) {
	answer := g.notSent(r)
	leave, ok := g.Hub.Memory.Forms.Enter(maxForms, r.Network())
	if !ok {
		g.logUnkept(r, tooMany)
		g.WritePage(w, r, answer)
		return
	}
	defer leave()
	response.TimeBodyFor(w, r.Request, formPatience)
	body := http.MaxBytesReader(w, r.Body, form.MaxBody)
	posted, err := form.Read(body, r.Header.Get("Content-Type"))
	if _, unread := io.Copy(io.Discard, body); unread == nil { // a browser shows no answer before it has sent everything
		response.BodyArrived(w)
	}
	if err == nil {
		answer.Data = g.kept(w, r, d, posted)
	} else {
		var reason unkept
		reason, answer.Status = whyUnread(w, r.Request, err)
		answer.Cause = page.Incomplete
		if answer.Status == http.StatusRequestEntityTooLarge {
			answer.Cause = page.TooLarge
		}
		g.logUnkept(r, reason)
	}
	defer response.TimeAnswer(w, formPatience)()
	g.WritePage(w, r, answer)
}

// kept returns the data of the page that keeps a form, nil if it cannot be
// kept.
func (g *Gate) kept(w http.ResponseWriter, r *site.Request, d newDance, posted form.Form) any {
	t := newResendTicket(g.FormerPerson(r), d.need, r.BrowserSecret(w))
	path, err := t.path(g.Hub.Keys, g.Sealer(r).Bound)
	if err != nil {
		g.logUnkept(r, sealFails)
		return nil
	}
	return formTask{
		Task: taskKeep, Life: keepsForm.Milliseconds(), Next: path,
		Record: &formRecord{ID: t.ID, Action: request.HeaderAddress(r.Original.RequestURI()), Page: g.cameFrom(r), Form: posted},
	}
}
