package wechattest

import (
	"html"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"
)

const quietZone = 4 // light modules around a code (ISO/IEC 18004)

// waiting returns a QR page that has not ended. If gone returns true, the page
// ends.
func (s *Server) waiting(id string, gone func(ask) bool) (ask, bool) {
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	a, ok := s.vault.qrs.get(id)
	if !ok || time.Since(a.shown) > askLife {
		return ask{}, false
	}
	if gone(a) {
		s.vault.qrs.take(id)
	}
	return a, true
}

// showQR writes the page, which reloads after three seconds.
func (s *Server) showQR(w http.ResponseWriter, r *http.Request, id string, account Account) {
	link := absolute(r, qrConfirmPath+"?qr="+id)
	w.Header().Set("Refresh", "3; url="+qrWaitPath+"?qr="+id)
	s.render(w, "qr.html", map[string]any{"Account": account, "ID": id, "Action": qrConfirmPath, "QR": drawQR(link), "Here": true})
}

// qrWait continues according to the phone's answer.
func (s *Server) qrWait(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("qr")
	a, ok := s.waiting(id, func(a ask) bool { return a.decision != "" })
	account, known := s.roster.account(a.appID)
	switch {
	case !ok || !known:
		s.notice(w, codeOver)
	case a.decision == "":
		s.showQR(w, r, id, account)
	default:
		s.qrEnds(w, a)
	}
}

// qrConfirm serves the phone's page and its buttons. The buttons of the QR page
// itself (here) end it at once. The id is unguessable.
func (s *Server) qrConfirm(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	id, decision, here := r.FormValue("qr"), r.FormValue("decision"), r.FormValue("here") != ""
	if decision != "" && decision != "allow" && decision != "refuse" {
		http.Error(w, "decision is allow or refuse", http.StatusBadRequest)
		return
	}
	person, exists := s.holder(r)
	if !exists || person.Closed {
		s.notice(w, noPerson)
		return
	}
	a, ok := s.waiting(id, func(a ask) bool { return here && decision != "" && a.decision == "" })
	account, known := s.roster.account(a.appID)
	switch {
	case !ok || !known || a.decision != "":
		s.notice(w, codeOver)
	case decision == "":
		s.render(w, "qr.html", map[string]any{"Account": account, "Person": person, "ID": id, "Action": qrConfirmPath})
	case here:
		a.person, a.decision = person.ID, decision
		s.qrEnds(w, a)
	default:
		s.answerQR(id, person.ID, decision)
		s.notice(w, map[string]notice{"allow": phoneAllowed, "refuse": phoneRefused}[decision])
	}
}

// answerQR stores the phone's answer for the QR page.
func (s *Server) answerQR(id, personID, decision string) {
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	if a, ok := s.vault.qrs.get(id); ok && a.decision == "" {
		a.person, a.decision = personID, decision
		s.vault.qrs.put(id, a)
	}
}

// qrEnds sends the browser to the callback. After a refusal today's WeChat does
// not call back; older versions did (Quirks.OldRefusal, B).
func (s *Server) qrEnds(w http.ResponseWriter, a ask) {
	if a.decision != "allow" {
		s.refused(w, a)
		return
	}
	s.SetConsent(a.person, a.appID, true)
	s.callBack(w, a)
}

// hiddenQR matches the id in a QR page.
var hiddenQR = regexp.MustCompile(`name="qr" value="([^"]+)"`)

// QRLinks helps a test that plays the visitor, as ConsentLinks does. From the
// body of the QR page it returns the addresses (without host) of its buttons 允许
// and 拒绝, and the address in the code, which takes the same decision.
func QRLinks(page string) (allow, refuse, scan string, ok bool) {
	match := hiddenQR.FindStringSubmatch(page)
	if match == nil {
		return "", "", "", false
	}
	scan = qrConfirmPath + "?qr=" + url.QueryEscape(html.UnescapeString(match[1]))
	return scan + "&here=1&decision=allow", scan + "&here=1&decision=refuse", scan, true
}

// drawQR returns a text as a QR code: an SVG with the dark modules in one path.
func drawQR(text string) template.HTML {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "" // the Host has thousands of bytes
	}
	side := strconv.Itoa(code.Size + 2*quietZone)
	var b strings.Builder
	b.WriteString(`<svg class="qr" role="img" aria-label="二维码 QR code" viewBox="0 0 ` + side + ` ` + side + `" shape-rendering="crispEdges">` +
		`<path fill="#fff" d="M0 0h` + side + `v` + side + `H0z"/><path fill="#000" d="`)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				b.WriteString("M" + strconv.Itoa(x+quietZone) + " " + strconv.Itoa(y+quietZone) + "h1v1h-1z")
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers only
}
