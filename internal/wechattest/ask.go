package wechattest

import (
	"crypto/rand"
	"net/http"
	"time"
)

// ask is one visit to the authorize page, checked.
type ask struct {
	grant
	target, state string // the callback
	at            string // the page that asks, as in Knob.Endpoint
	double        bool   // may call back twice
	decision      string // the phone's answer to a QR page; "" before it
	shown         time.Time
}

// ask continues according to the scene.
func (s *Server) ask(w http.ResponseWriter, a ask, how scene) {
	switch how {
	case sceneSilent:
		s.callBack(w, a)
	case sceneSnapshot:
		a.snapshot = true
		s.callBack(w, a)
	case sceneAsk:
		a.shown = time.Now()
		id := rand.Text()
		s.vault.mu.Lock()
		s.vault.asks.put(id, a)
		s.vault.mu.Unlock()
		account, _ := s.roster.account(a.appID)
		person, _ := s.roster.person(a.person)
		s.logf("%s asks %q", authorizePath, a.person)
		s.render(w, "consent.html", map[string]any{"Account": account, "Person": person, "ID": id, "Action": consentPath})
	}
}

// decide handles the visitor's tap on the consent page. The id is unguessable
// and works once.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	decision := r.FormValue("decision")
	if decision != "allow" && decision != "refuse" {
		http.Error(w, "decision is allow or refuse", http.StatusBadRequest)
		return
	}
	s.vault.mu.Lock()
	a, ok := s.vault.asks.take(r.FormValue("id"))
	s.vault.mu.Unlock()
	switch {
	case !ok || time.Since(a.shown) > askLife:
		s.notice(w, pageOver)
	case decision == "allow":
		s.SetConsent(a.person, a.appID, true)
		s.logf("%s %q allows", consentPath, a.person)
		s.callBack(w, a)
	default:
		s.refused(w, a)
	}
}

// refused ends the authorisation: WeChat does not call back after a refusal
// (wechat-protocol A3), except in old versions.
func (s *Server) refused(w http.ResponseWriter, a ask) {
	s.logf("%s %q refuses", consentPath, a.person)
	if s.quirks.fires(a.at, func(q *Quirks) *Knob { return &q.OldRefusal }) {
		redirect(w, appendQuery(a.target, "state="+a.state))
		return
	}
	s.notice(w, youRefused)
}
