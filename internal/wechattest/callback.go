package wechattest

import (
	"fmt"
	"net/http"
	"strings"
)

// callBack issues a code and sends the visitor to the callback.
func (s *Server) callBack(w http.ResponseWriter, a ask) {
	code := s.newCode(a.grant)
	target := s.callbackURL(a, code)
	second := ""
	if a.double {
		switch {
		case s.quirks.fires(AtAuthorize, func(q *Quirks) *Knob { return &q.DoubleCallbackTwoCodes }):
			second = s.callbackURL(a, s.newCode(a.grant))
		case s.quirks.fires(AtAuthorize, func(q *Quirks) *Knob { return &q.SameCodeTwice }):
			second = target
		}
	}
	s.logf("%s %q goes back, scope=%s snapshot=%t double=%t", a.at, a.person, a.scope, a.snapshot, second != "")
	if a.at == AtAuthorize { // the rest applies to WeChat's own browser
		s.quirks.mu.Lock()
		delay, replays := s.quirks.q.ReplayWithoutCookies.fires()
		s.quirks.mu.Unlock()
		if replays {
			s.replayLater(target, delay)
		}
	}
	if second == "" {
		redirect(w, target)
		return
	}
	s.doublePage(w, target, second)
}

// callbackURL appends code and state as WeChat does, and the parameters of the
// quirks.
func (s *Server) callbackURL(a ask, code string) string {
	query := "code=" + code + "&state=" + a.state
	if a.at == AtAuthorize && s.quirks.fires(AtAuthorize, func(q *Quirks) *Knob { return &q.SecondState }) {
		query = "state=" + randomText(16) + "&" + query
	}
	if a.at == AtAuthorize && s.quirks.fires(AtAuthorize, func(q *Quirks) *Knob { return &q.ExtraQuery }) {
		query += "&from=singlemessage&isappinstalled=0"
	}
	return appendQuery(a.target, query)
}

// appendQuery appends to the query, before the fragment; an existing state
// stays (wechat-protocol A2). query is plain ASCII.
func appendQuery(target, query string) string {
	base, fragment, hasFragment := strings.Cut(target, "#")
	switch {
	case !strings.Contains(base, "?"):
		base += "?" + query
	case strings.HasSuffix(base, "?") || strings.HasSuffix(base, "&"):
		base += query
	default:
		base += "&" + query
	}
	if hasFragment {
		base += "#" + fragment
	}
	return escapeLocation(base)
}

// escapeLocation escapes characters that are not allowed in a header or an
// attribute. A parsed address has no control bytes; they would be escaped, too
// (attack: response splitting).
func escapeLocation(target string) string {
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
