package sessiontest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

func saved(t *testing.T, s subject) {
	declined := visitor()
	declined.Declined = declined.Created
	virtual := visitor()
	virtual.Guest, virtual.Person, virtual.OpenID = true, "", ""
	sessions := []*session.Session{visitor(), declined, virtual}
	for _, scope := range []string{
		session.ScopeUserInfo, session.ScopeLogin, session.ScopeMiniProgram, session.ScopeMobileApp,
	} {
		v := visitor()
		v.Scope = scope
		sessions = append(sessions, v)
	}
	for _, v := range sessions {
		before := *v
		value := s.mustSave(t, v)
		if !same(t, v, &before) {
			t.Errorf("Save changed the session: %s, was %s", fields(*v), fields(before))
		}
		s.loads(t, value, *v)
	}
}

func incomplete(t *testing.T, s subject) {
	for name, spoil := range map[string]func(*session.Session){
		"id":            func(v *session.Session) { v.ID = session.ID{} },
		"person":        func(v *session.Session) { v.Person = "" },
		"openid":        func(v *session.Session) { v.OpenID = "" },
		"long person":   func(v *session.Session) { v.Person = strings.Repeat("p", 65) },
		"long openid":   func(v *session.Session) { v.OpenID = strings.Repeat("o", 65) },
		"line break":    func(v *session.Session) { v.OpenID = "o\r\nX-Admin: 1" },
		"unknown scope": func(v *session.Session) { v.Scope = "snsapi_all" },
		"site":          func(v *session.Session) { v.Site = "" },
		"app id":        func(v *session.Session) { v.AppID = "" },
		"created":       func(v *session.Session) { v.Created = time.Time{} },
		"renewed":       func(v *session.Session) { v.Renewed = v.Created.Add(-time.Hour) },
	} {
		v := visitor()
		spoil(v)
		if value, err := s.Save(t.Context(), v); !errors.Is(err, session.ErrInvalid) || value != "" {
			t.Errorf("%s: Save gave %q and %v, want ErrInvalid", name, value, err)
		}
	}
}

func foreign(t *testing.T, s subject) {
	v := visitor()
	value := s.mustSave(t, v)
	for _, b := range []session.Binding{
		{},
		{Site: site.Site},
		{AppID: site.AppID},
		{Site: site.Site, Audience: session.Cookie},
		{AppID: site.AppID, Audience: session.Cookie},
		{Site: "https://other.example.com", AppID: site.AppID, Audience: session.Cookie},
		{Site: site.Site, AppID: "wxffffffffffffffff", Audience: session.Cookie},
		{Site: site.AppID, AppID: site.Site, Audience: session.Cookie},
		// The same letters, split elsewhere.
		{Site: site.Site + site.AppID[:1], AppID: site.AppID[1:], Audience: session.Cookie},
		// A cookie used as a token, and under no audience.
		{Site: site.Site, AppID: site.AppID, Audience: session.Token},
		{Site: site.Site, AppID: site.AppID},
	} {
		s.loadsNothing(t, value, b)
	}
	s.loads(t, value, *v)
}

func rubbish(t *testing.T, s subject) {
	for _, value := range []string{
		"", " ", "x", "=", "null", "../../etc/passwd", "a\x00b", "a\r\nb", "登录", "\xff\xfe",
		strings.Repeat("A", session.MaxValue), strings.Repeat("A", session.MaxValue+1), strings.Repeat("A", 1<<20),
	} {
		s.loadsNothing(t, value, site)
	}
}

func altered(t *testing.T, s subject) {
	value := s.mustSave(t, visitor())
	for i := range len(value) {
		for _, c := range []byte("A9_=\n") {
			if value[i] != c {
				s.loadsNothing(t, value[:i]+string(c)+value[i+1:], site)
			}
		}
		s.loadsNothing(t, value[:i], site)
		s.loadsNothing(t, value[:i]+value[i+1:], site)
	}
	for _, more := range []string{"A", "=", "==", "\n", " ", ";", value} {
		s.loadsNothing(t, value+more, site)
	}
}
