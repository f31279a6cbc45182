package wechattest

import (
	"net/http"
	"slices"
)

// personView is a person on the control page.
type personView struct {
	Person
	Phone, Default bool
	Rows           []accountView
}

// accountView is a person's standing with an account.
type accountView struct {
	AppID, Name, OpenID, UnionID string
	Follows, Consented, Met      bool   // Met: the account has learnt who the person is
	Official, Pushed             bool   // Pushed: it has an address for pushes
	Codes                        string // of a withdrawal
}

// knobView is a quirk on the control page.
type knobView struct {
	Name string
	words
	Endpoint           string
	At                 []string
	On, Number, Limits bool
	Value, Next        int
	Seconds            int // until the replay
}

// controlView is what the control page shows.
type controlView struct {
	Holder   Person
	Accounts []Account
	Persons  []personView
	Knobs    map[string][]knobView // by group
	On       []knobView            // all that are on
	Count    map[string]int        // how many are on, by tab
	Calls    []Call
	Pushes   []Pushed
}

func (s *Server) controlPage(w http.ResponseWriter, r *http.Request) {
	accounts := s.Accounts()
	for i := range accounts {
		accounts[i].Secret, accounts[i].Push.Token, accounts[i].Push.AESKey = "", "", ""
	}
	holder, _ := s.holder(r)
	q := s.quirks.copy()
	v := controlView{
		Holder: holder, Accounts: accounts, Persons: s.personViews(holder.ID, accounts),
		Knobs: map[string][]knobView{}, Count: map[string]int{}, Calls: newest(s.Calls()), Pushes: newest(s.Pushes()),
	}
	for _, c := range controls {
		v.add(c.group, c.view(q))
	}
	v.add(inFaults, knobView{Name: "QuotaPerMinute", On: q.QuotaPerMinute != 0, Value: q.QuotaPerMinute})
	replay := knobView{Name: "ReplayWithoutCookies", On: q.ReplayWithoutCookies.On, Next: q.ReplayWithoutCookies.Next, Seconds: 9} // (wechat-protocol J2)
	if replay.On {
		replay.Seconds = int(q.ReplayWithoutCookies.Delay.Seconds())
	}
	v.add(inCallbacks, replay)
	s.render(w, "control.html", map[string]any{"Title": "微信模拟器 WeChat simulator", "Wide": true, "V": v})
}

// personViews lists the persons with their standing with each account.
func (s *Server) personViews(holder string, accounts []Account) []personView {
	s.roster.mu.RLock()
	standard := s.roster.phone
	s.roster.mu.RUnlock()
	var persons []personView
	for _, p := range s.Persons() {
		view := personView{Person: p, Phone: p.ID == holder, Default: p.ID == standard}
		for _, a := range accounts {
			view.Rows = append(view.Rows, accountView{
				AppID: a.AppID, Name: a.Name, OpenID: s.OpenID(p.ID, a.AppID), UnionID: s.UnionID(p.ID, a.AppID),
				Follows: slices.Contains(p.Follows, a.AppID), Consented: s.Consented(p.ID, a.AppID), Met: s.met(p.ID, a.AppID),
				Official: a.Kind == OfficialAccount, Codes: a.Kind.revoked(), Pushed: a.Push.URL != "",
			})
		}
		persons = append(persons, view)
	}
	return persons
}

// newest returns the newest 20, the newest first. It changes all.
func newest[V any](all []V) []V {
	all = all[max(0, len(all)-20):]
	slices.Reverse(all)
	return all
}

// add puts a quirk into its group, and among those that are on.
func (v *controlView) add(group string, k knobView) {
	k.words = knobWords[k.Name]
	v.Knobs[group] = append(v.Knobs[group], k)
	if k.On {
		v.On = append(v.On, k)
		v.Count[tabs[group]]++
	}
}

// view shows a quirk as it is in q.
func (c control) view(q Quirks) knobView {
	view := knobView{Name: c.name, At: c.at}
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
	return view
}
