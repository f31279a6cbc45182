package wechattest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// endpoint is one call of api.weixin.qq.com.
type endpoint struct {
	name, path string
	post       bool // takes JSON; the others are GET
	form       bool // also accepts a form
	// answer carries out a call. The app id of the answer is a known one, or
	// "".
	answer func(*Server, *http.Request, url.Values) answer
}

// contentType is the Content-Type of WeChat's JSON (wechat-protocol H3).
func (e endpoint) contentType() string {
	if strings.HasPrefix(e.path, "/sns/") || e.path == "" {
		return "text/plain"
	}
	return "application/json; encoding=utf-8"
}

// endpoints is the table of all calls.
var endpoints = []endpoint{
	{name: AtToken, path: "/sns/oauth2/access_token", form: true, answer: (*Server).token},
	{name: AtRefresh, path: "/sns/oauth2/refresh_token", form: true, answer: (*Server).refresh},
	{name: AtUserInfo, path: "/sns/userinfo", form: true, answer: (*Server).userInfo},
	{name: AtAuth, path: "/sns/auth", form: true, answer: (*Server).auth},
	{name: AtSession, path: "/sns/jscode2session", form: true, answer: (*Server).codeToSession},
	{name: AtStableToken, path: "/cgi-bin/stable_token", post: true, answer: (*Server).stableToken},
	{name: AtClassic, path: "/cgi-bin/token", answer: (*Server).classicToken},
	{name: AtPhone, path: "/wxa/business/getuserphonenumber", post: true, answer: (*Server).phoneNumber},
	{name: AtFollower, path: "/cgi-bin/user/info", answer: (*Server).follower},
	{name: AtFollowers, path: "/cgi-bin/user/info/batchget", post: true, answer: (*Server).followers},
	{name: AtQRCode, path: "/cgi-bin/qrcode/create", post: true, answer: (*Server).createQR},
	{name: AtTicket, path: "/cgi-bin/ticket/getticket", answer: (*Server).ticket},
	{name: AtCheckKey, path: "/wxa/checksession", answer: (*Server).checkSession},
}

// answer is an endpoint's answer: an error code, or fields.
type answer struct {
	appID   string
	errcode int
	message string // replaces the usual text of errcode
	fields  []field
}

func failed(appID string, errcode int) answer { return answer{appID: appID, errcode: errcode} }

// errmsgs are WeChat's texts in answers (wechat-protocol H2, and WeChat's
// pages).
var errmsgs = map[int]string{
	-1:    "system error",
	40001: "invalid credential, access_token is invalid or not latest",
	40002: "invalid grant_type",
	40003: "invalid openid",
	40013: "invalid appid",
	40014: "invalid access_token",
	40029: "invalid code",
	40030: "invalid refresh_token",
	40032: "invalid openid list size",
	40053: "invalid action info",
	40066: "invalid url",
	40097: "invalid args",
	40125: "invalid appsecret",
	40163: "code been used",
	40226: "code blocked",
	40243: "AppSecret frozen",
	41001: "access_token missing",
	41002: "appid missing",
	41003: "refresh_token missing",
	41004: "appsecret missing",
	41008: "missing code",
	41009: "missing openid",
	42001: "access_token expired",
	42002: "refresh_token expired",
	42003: "code expired",
	42007: "user changed password, access_token and refresh_token are invalid",
	43001: "require GET method",
	43002: "require POST method",
	47001: "data format error",
	45009: "reach max api daily quota limit",
	45011: "api minute-quota reach limit, must slower, retry next minute",
	48001: "api unauthorized",
	48004: "api banned",
	50002: "user limited",
	87009: "invalid signature",
	89501: "pending admin confirmation exists",
	89503: "admin must confirm this ip",
	89506: "ip refused by admin, 24 h",
	89507: "ip refused by admin, 1 h",
}

// api serves one call, with a fault or the answer.
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
		writeText(w, e, body[:len(body)/2])
	case f.write != nil:
		f.write(w, r)
	default:
		writeText(w, e, s.body(e, a))
	}
}

func noted(fault string) string {
	if fault == "" {
		return ""
	}
	return " quirk=" + fault
}

// body writes an answer. Success bodies of /sns/* have no errcode, except
// /sns/auth, which has no other field.
func (s *Server) body(e endpoint, a answer) []byte {
	style := style{strings: s.quirks.fires(e.name, func(q *Quirks) *Knob { return &q.NumbersAsStrings })}
	if a.errcode == 0 {
		// Only answers with a nickname count this quirk.
		style.controlBytes = e.name == AtUserInfo &&
			s.quirks.fires(e.name, func(q *Quirks) *Knob { return &q.NicknameControlBytes })
		return style.write(a.fields)
	}
	message := cmp.Or(a.message, errmsgs[a.errcode], "unknown error")
	if s.quirks.fires(e.name, func(q *Quirks) *Knob { return &q.OldErrmsg }) {
		message = fmt.Sprintf("%s, hints: [ req_id: %s ]", message, randomText(13))
	} else {
		message += ", rid: " + newRID()
	}
	return style.write([]field{{"errcode", a.errcode}, {"errmsg", message}})
}

// writeText sends JSON, with 200 also for errors.
func writeText(w http.ResponseWriter, e endpoint, body []byte) {
	w.Header().Set("Content-Type", e.contentType())
	w.Header().Set("Cache-Control", "no-cache, must-revalidate")
	w.WriteHeader(http.StatusOK)
	_, _ = bytes.NewReader(body).WriteTo(w) // ignore a client that has disconnected
}
