package wechattest

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
)

// wxPath is where scripts simulate a phone: POST, JSON in and out.
const wxPath = actionPath + "wx/"

// wxCall is the body of a script's call.
type wxCall struct {
	Person string `json:"person"`
	AppID  string `json:"app_id"`
	State  string `json:"state"`  // mobile: returned unchanged
	Answer string `json:"answer"` // mobile: "" or allow, refuse, cancel
	Text   string `json:"text"`   // text: the text of the message
}

// wxCalls are the calls, by the end of their path. Errors are shown.
var wxCalls = map[string]func(*Server, *http.Request, wxCall) (any, error){
	"login":   (*Server).wxLogin,
	"profile": (*Server).wxProfile,
	"phone":   (*Server).wxPhone,
	"mobile":  (*Server).wxMobile,
	"text":    (*Server).wxText,
}

// wx serves a call of a script. other has checked the Host.
func (s *Server) wx(w http.ResponseWriter, r *http.Request) {
	call, ok := wxCalls[strings.TrimPrefix(r.URL.Path, wxPath)]
	// A page of another site must not sign in as any person (attack: CSRF). A
	// browser sends JSON to another site only after a preflight, which is
	// refused.
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var v wxCall
	switch {
	case !ok:
		writeSim(w, http.StatusNotFound, "no such call")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		writeSim(w, http.StatusMethodNotAllowed, "this is a POST")
	case http.NewCrossOriginProtection().Check(r) != nil:
		writeSim(w, http.StatusForbidden, "this was sent by a page of another site")
	case media != "application/json":
		writeSim(w, http.StatusUnsupportedMediaType, "the body is application/json")
	case !readJSON(r, &v):
		writeSim(w, http.StatusBadRequest, `the body is {"person":"…","app_id":"…"}`)
	default:
		answer, err := call(s, r, v)
		switch {
		case errors.Is(err, ErrUnknown):
			writeSim(w, http.StatusNotFound, err.Error())
		case err != nil:
			writeSim(w, http.StatusBadRequest, err.Error())
		default:
			writeSim(w, http.StatusOK, answer)
		}
	}
}

// writeSim writes an answer or an error.
func writeSim(w http.ResponseWriter, status int, v any) {
	if status != http.StatusOK {
		v = map[string]any{"error": v}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // ignore a client that has disconnected
}

// wxLogin is wx.login: {"code"}.
func (s *Server) wxLogin(_ *http.Request, c wxCall) (any, error) {
	if _, err := s.inside(c.Person, c.AppID, MiniProgram); err != nil {
		return nil, err
	}
	return map[string]string{"code": s.MiniProgramCode(c.Person, c.AppID), "errMsg": "login:ok"}, nil
}

// wxProfile is wx.getUserProfile.
func (s *Server) wxProfile(r *http.Request, c wxCall) (any, error) {
	return s.encryptedProfile(c.Person, c.AppID, func(avatar string) string { return absolute(r, avatar) })
}

// wxPhone is the button getPhoneNumber: {"code"}, and, after a wx.login,
// encryptedData and iv.
func (s *Server) wxPhone(_ *http.Request, c wxCall) (any, error) {
	if _, err := s.inside(c.Person, c.AppID, MiniProgram); err != nil {
		return nil, err
	}
	answer := struct {
		Code string `json:"code"`
		*Encrypted
	}{Code: s.PhoneCode(c.Person, c.AppID)}
	if e, err := s.EncryptedPhone(c.Person, c.AppID); err == nil {
		answer.Encrypted = &e
	}
	return answer, nil
}

// wxMobile is SendAuth.Resp: errCode 0 and a code, -4 refused, -2 cancelled
// (C).
func (s *Server) wxMobile(_ *http.Request, c wxCall) (any, error) {
	if _, err := s.inside(c.Person, c.AppID, MobileApp); err != nil {
		return nil, err
	}
	answer := map[string]any{"errCode": 0, "state": c.State, "lang": "zh_CN", "country": "CN"}
	switch c.Answer {
	case "", "allow":
		answer["code"] = s.MobileCode(c.Person, c.AppID)
	case "refuse":
		answer["errCode"] = -4
	case "cancel":
		answer["errCode"] = -2
	default:
		return nil, errors.New("answer is allow, refuse or cancel")
	}
	return answer, nil
}

// wxText sends a message to an account and returns its reply; the reply is
// empty if no attempt was accepted.
func (s *Server) wxText(_ *http.Request, c wxCall) (any, error) {
	pushed, err := s.now(s.text(c.Person, c.AppID, c.Text))
	if err != nil {
		return nil, err
	}
	return map[string]any{"accepted": pushed.Accepted, "reply": pushed.Reply}, nil
}
