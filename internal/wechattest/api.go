package wechattest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// endpoint is one call of api.weixin.qq.com.
type endpoint struct {
	name, path string
	// answer carries a call out. The app id of the answer is a known one, or "".
	answer func(*Server, *http.Request, url.Values) answer
}

// endpoints is the table of all of them.
var endpoints = []endpoint{
	{AtToken, "/sns/oauth2/access_token", (*Server).token},
	{AtRefresh, "/sns/oauth2/refresh_token", (*Server).refresh},
	{AtUserInfo, "/sns/userinfo", (*Server).userInfo},
	{AtAuth, "/sns/auth", (*Server).auth},
}

// answer is what an endpoint has to say: an error code, or fields.
type answer struct {
	appID   string
	errcode int
	fields  []field
}

func failed(appID string, errcode int) answer { return answer{appID: appID, errcode: errcode} }

// errmsgs are WeChat's words, as they stand in answers (F1, F2, official pages).
var errmsgs = map[int]string{
	-1:    "system error",
	40001: "invalid credential, access_token is invalid or not latest",
	40002: "invalid grant_type",
	40003: "invalid openid",
	40013: "invalid appid",
	40014: "invalid access_token",
	40029: "invalid code",
	40030: "invalid refresh_token",
	40066: "invalid url",
	40125: "invalid appsecret",
	40163: "code been used",
	40226: "code blocked",
	41001: "access_token missing",
	41002: "appid missing",
	41003: "refresh_token missing",
	41004: "appsecret missing",
	41008: "missing code",
	41009: "missing openid",
	42001: "access_token expired",
	42002: "refresh_token expired",
	42003: "code expired",
	43001: "require GET method",
	45009: "reach max api daily quota limit",
	45011: "api minute-quota reach limit, must slower, retry next minute",
	48001: "api unauthorized",
	50002: "user limited",
}

// api serves one call: a fault, or the answer.
func (s *Server) api(w http.ResponseWriter, r *http.Request, e endpoint) {
	f := s.strike(e.name)
	var a answer
	if f.kind == "" || f.carriesOut {
		a = s.carryOut(r, e)
	}
	if f.kind != "" && f.errcode != 0 {
		a = failed(a.appID, f.errcode)
	}
	call := Call{Time: time.Now(), Path: e.path, AppID: a.appID, Errcode: a.errcode, Fault: f.kind}
	s.calls.add(call)
	s.logf("%s errcode=%d%s", e.path, call.Errcode, noted(f.kind))
	switch {
	case f.half:
		body := s.body(e, a)
		writeText(w, body[:len(body)/2])
	case f.write != nil:
		f.write(w, r)
	default:
		writeText(w, s.body(e, a))
	}
}

func noted(fault string) string {
	if fault == "" {
		return ""
	}
	return " quirk=" + fault
}

func (s *Server) carryOut(r *http.Request, e endpoint) answer {
	if r.Method != http.MethodGet {
		return failed("", 43001)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		// Not an error: ParseQuery has returned what it could read.
		s.logf("%s has a query that is not well-formed", e.path)
	}
	return e.answer(s, r, query)
}

// body writes an answer. Success bodies of /sns/* carry no errcode, except
// /sns/auth, which has nothing else to say.
func (s *Server) body(e endpoint, a answer) []byte {
	style := style{strings: s.quirks.fires(e.name, func(q *Quirks) *Knob { return &q.NumbersAsStrings })}
	if a.errcode == 0 {
		// Only where there is a nickname: others must not count it down.
		style.controlBytes = e.name == AtUserInfo &&
			s.quirks.fires(e.name, func(q *Quirks) *Knob { return &q.NicknameControlBytes })
		return style.write(a.fields)
	}
	message, ok := errmsgs[a.errcode]
	if !ok {
		message = "unknown error"
	}
	if s.quirks.fires(e.name, func(q *Quirks) *Knob { return &q.OldErrmsg }) {
		message = fmt.Sprintf("%s, hints: [ req_id: %s ]", message, randomText(13))
	} else {
		message += ", rid: " + newRID()
	}
	return style.write([]field{{"errcode", a.errcode}, {"errmsg", message}})
}

// writeText sends JSON as /sns/* does: as text/plain, with 200 also for errors
// (F3).
func writeText(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Cache-Control", "no-cache, must-revalidate")
	w.WriteHeader(http.StatusOK)
	_, _ = bytes.NewReader(body).WriteTo(w) // a client that has left is no matter
}
