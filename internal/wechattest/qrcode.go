package wechattest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"rsc.io/qr"
)

// Rules of /cgi-bin/qrcode/create (wechat-protocol E6).
const (
	showTicketPath = "/cgi-bin/showqrcode"
	maxQRScene     = 64 // bytes of scene_str
	maxQRLimit     = 100_000
	shortQRLife    = 60 // seconds, if expire_seconds is not given
	longestQR      = 30 * 24 * 60 * 60
	followPrefix   = "http://weixin.qq.com/q/"
)

// qrActions are the kinds of codes: of temporary ones, and whether the scene is
// a text.
var qrActions = map[string]struct{ temporary, text bool }{
	"QR_SCENE":           {true, false},
	"QR_STR_SCENE":       {true, true},
	"QR_LIMIT_SCENE":     {false, false},
	"QR_LIMIT_STR_SCENE": {false, true},
}

// qrTicket is a code by which persons follow an account.
type qrTicket struct {
	appID, url, scene string
	until             time.Time // zero: for ever
}

// qrCall is the body of a call.
type qrCall struct {
	ExpireSeconds *int   `json:"expire_seconds"`
	ActionName    string `json:"action_name"`
	ActionInfo    struct {
		Scene struct {
			ID   json.Number `json:"scene_id"`
			Text string      `json:"scene_str"`
		} `json:"scene"`
	} `json:"action_info"`
}

// createQR is /cgi-bin/qrcode/create: a code by which persons follow the
// account.
func (s *Server) createQR(r *http.Request, query url.Values) answer {
	account, errcode := s.global(AtQRCode, query)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	var v qrCall
	switch {
	case !readJSON(r, &v):
		return failed(account.AppID, 47001)
	case account.Kind != OfficialAccount:
		return failed(account.AppID, 48001)
	}
	action, known := qrActions[v.ActionName]
	scene, ok := v.scene(action.text, action.temporary)
	if !known || !ok {
		return failed(account.AppID, 40053)
	}
	ticket := newToken()
	code := qrTicket{appID: account.AppID, url: followPrefix + randomText(22), scene: scene}
	fields := []field{{"ticket", ticket}}
	if action.temporary {
		life := shortQRLife
		if v.ExpireSeconds != nil {
			life = *v.ExpireSeconds
		}
		if life <= 0 || life > longestQR {
			return failed(account.AppID, 40097)
		}
		code.until = time.Now().Add(time.Duration(life) * time.Second)
		fields = append(fields, field{"expire_seconds", life})
	}
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	s.vault.tickets.put(ticket, code)
	s.vault.follows.put(code.url, code)
	return answer{appID: account.AppID, fields: append(fields, field{"url", code.url})}
}

// scene returns the scene of a call.
func (v *qrCall) scene(text, temporary bool) (string, bool) {
	if text {
		scene := v.ActionInfo.Scene.Text
		return scene, scene != "" && len(scene) <= maxQRScene && utf8.ValidString(scene)
	}
	id, err := strconv.ParseUint(v.ActionInfo.Scene.ID.String(), 10, 32)
	return v.ActionInfo.Scene.ID.String(), err == nil && id > 0 && (temporary || id <= maxQRLimit)
}

// showTicket is the picture of a code, of the host mp.weixin.qq.com.
func (s *Server) showTicket(w http.ResponseWriter, r *http.Request) {
	s.vault.mu.Lock()
	code, ok := s.vault.tickets.get(r.URL.Query().Get("ticket"))
	s.vault.mu.Unlock()
	if !ok || code.over() {
		http.NotFound(w, r)
		return
	}
	picture, err := qr.Encode(code.url, qr.M)
	if err != nil {
		http.Error(w, "this code cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(picture.PNG()) // ignore a client that has disconnected
}

func (c qrTicket) over() bool { return !c.until.IsZero() && time.Now().After(c.until) }

// FollowAddresses returns the addresses in an account's codes that are valid
// now, oldest first.
func (s *Server) FollowAddresses(appID string) (addresses []string) {
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	for _, address := range s.vault.follows.keys() {
		if code, ok := s.vault.follows.get(address); ok && code.appID == appID && !code.over() {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// ScanToFollow makes a person scan a code of createQR, by the address that the
// code shows. A person who does not follow the account follows it
// (EventKey=qrscene_…); for a follower it is a SCAN. The account gets a push.
// Errors: ErrUnknown for an address that is not, or no longer, such a code, and
// those of PushSubscribe.
func (s *Server) ScanToFollow(personID, address string) (Pushed, error) {
	return s.now(s.scanToFollow(personID, address))
}

func (s *Server) scanToFollow(personID, address string) (outgoing, error) {
	s.vault.mu.Lock()
	code, ok := s.vault.follows.get(address)
	s.vault.mu.Unlock()
	person, known := s.roster.person(personID)
	if !ok || !known || code.over() {
		return outgoing{}, ErrUnknown
	}
	event, key := "subscribe", "qrscene_"+code.scene
	if slices.Contains(person.Follows, code.appID) {
		event, key = "SCAN", code.scene
	}
	if err := s.SetFollow(personID, code.appID, true); err != nil {
		return outgoing{}, err
	}
	return s.personMessage(personID, code.appID, "event",
		Member{"Event", event}, Member{"EventKey", key}, Member{"Ticket", base64.StdEncoding.EncodeToString([]byte(code.url))})
}
