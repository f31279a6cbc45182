package wechattest

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// other serves what is not WeChat's: the control page, its forms, avatars.
func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/sns/") || strings.HasPrefix(path, "/cgi-bin/") || strings.HasPrefix(path, "/wxa/"):
		e := endpoint{name: "unknown"}
		writeText(w, e, s.body(e, failed("", 40066)))
	case strings.HasPrefix(path, avatarPath):
		s.avatar(w, r)
	case path != "/" && !strings.HasPrefix(path, actionPath):
		http.NotFound(w, r)
	case !s.controlHost(r.Host):
		// A page of any site could make its own name point to this address
		// (DNS rebinding), and then read and write here as "same origin".
		http.Error(w, "the control page is for localhost only", http.StatusMisdirectedRequest)
	case strings.HasPrefix(path, wxPath):
		s.wx(w, r)
	case path != "/":
		s.act(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		s.controlPage(w, r)
	}
}

// controlHost tells whether a Host may show the control page: loopback, or one of
// Config.ControlHosts.
func (s *Server) controlHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isIP && ip.Unmap().IsLoopback() ||
		slices.Contains(s.config.ControlHosts, host) || isIP && slices.Contains(s.config.ControlHosts, "*")
}

// personView is a person on the control page.
type personView struct {
	Person
	Phone, Default bool
	Rows           []accountView
}

// accountView is a person's standing with an account.
type accountView struct {
	AppID, Name, OpenID, UnionID string
	Follows, Consented           bool
	Official, Pushed             bool   // Pushed: it has an address for pushes
	Codes                        string // of a withdrawal
}

// knobView is a quirk on the control page.
type knobView struct {
	Name, Label, Endpoint string
	At                    []string
	On, Number, Limits    bool
	Value, Next           int
}

func (s *Server) controlPage(w http.ResponseWriter, r *http.Request) {
	accounts := s.Accounts()
	for i := range accounts {
		accounts[i].Secret, accounts[i].Push.Token, accounts[i].Push.AESKey = "", "", ""
	}
	holder, _ := s.holder(r)
	s.roster.mu.RLock()
	standard := s.roster.phone
	s.roster.mu.RUnlock()
	var persons []personView
	for _, p := range s.Persons() {
		view := personView{Person: p, Phone: p.ID == holder.ID, Default: p.ID == standard}
		for _, a := range accounts {
			view.Rows = append(view.Rows, accountView{
				AppID: a.AppID, Name: a.Name, OpenID: s.OpenID(p.ID, a.AppID), UnionID: s.UnionID(p.ID, a.AppID),
				Follows: slices.Contains(p.Follows, a.AppID), Consented: s.Consented(p.ID, a.AppID),
				Official: a.Kind == OfficialAccount, Codes: a.Kind.revoked(), Pushed: a.Push.URL != "",
			})
		}
		persons = append(persons, view)
	}
	q := s.quirks.copy()
	replaySeconds := 9 // as in the field (F28)
	if q.ReplayWithoutCookies.On {
		replaySeconds = int(q.ReplayWithoutCookies.Delay.Seconds())
	}
	s.render(w, "control.html", map[string]any{
		"Title": "模拟的微信", "Accounts": accounts, "Persons": persons, "Knobs": knobViews(q),
		"Quota": q.QuotaPerMinute, "Replay": q.ReplayWithoutCookies, "ReplaySeconds": replaySeconds, "Calls": newest(s.Calls()), "Pushes": newest(s.Pushes()),
	})
}

// newest returns the newest 20, the newest first. It changes all.
func newest[V any](all []V) []V {
	all = all[max(0, len(all)-20):]
	slices.Reverse(all)
	return all
}

func knobViews(q Quirks) []knobView {
	var views []knobView
	for _, c := range controls {
		view := knobView{Name: c.name, Label: c.label, At: c.at}
		switch {
		case c.knob != nil:
			k := c.knob(&q)
			view.On, view.Endpoint, view.Next, view.Limits = k.On, k.Endpoint, k.Next, true
		case c.number != nil:
			n := c.number(&q)
			view.On, view.Endpoint, view.Next, view.Limits = n.Value != 0, n.Endpoint, n.Next, true
			view.Number, view.Value = true, n.Value
		default:
			view.On = *c.flag(&q)
		}
		views = append(views, view)
	}
	return views
}
