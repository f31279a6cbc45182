package wechattest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const actionPath = "/_sim/"

// actions are the forms of the control page, by the end of their path. Errors
// are shown.
var actions = map[string]func(*Server, url.Values) error{
	"default":  func(s *Server, f url.Values) error { s.SetPhone(f.Get("person")); return nil },
	"person":   (*Server).actPerson,
	"nickname": (*Server).actNickname,
	"follow": func(s *Server, f url.Values) error {
		return s.later(s.follow(f.Get("person"), f.Get("account"), f.Get("to") == "on"))
	},
	"consent": func(s *Server, f url.Values) error {
		s.SetConsent(f.Get("person"), f.Get("account"), f.Get("to") == "on")
		return nil
	},
	"withdraw": (*Server).actWithdraw,
	"text": func(s *Server, f url.Values) error {
		return s.later(s.text(f.Get("person"), f.Get("account"), f.Get("text")))
	},
	"close":    func(s *Server, f url.Values) error { return s.CloseAccount(f.Get("person")) },
	"clean":    func(s *Server, f url.Values) error { return s.CleanProfile(f.Get("person")) },
	"push":     (*Server).actPush,
	"check":    (*Server).actCheck,
	"snapshot": (*Server).actSnapshot,
	"quirk":    (*Server).actQuirk,
	"quota":    (*Server).actQuota,
	"replay":   (*Server).actReplay,
	"reset":    func(s *Server, _ url.Values) error { return s.SetQuirks(Quirks{}) },
}

// act serves a form of the control page, and goes back to it.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	// A page of another site must not press these buttons (CSRF).
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		http.Error(w, "this form was not sent by the control page", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "this form cannot be read", http.StatusBadRequest)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, actionPath)
	do, ok := actions[name]
	switch {
	case name == "phone":
		if _, known := s.roster.person(r.PostForm.Get("person")); known {
			http.SetCookie(w, s.PhoneCookie(r.PostForm.Get("person")))
		}
	case !ok:
		http.NotFound(w, r)
		return
	default:
		if err := do(s, r.PostForm); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", "/")
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) actPerson(f url.Values) error {
	id := "p" + randomText(8)
	return s.AddPerson(Person{ID: id, Nickname: f.Get("nickname"), AvatarURL: avatarPath + id + "/132"})
}

func (s *Server) actNickname(f url.Values) error {
	return s.roster.change(f.Get("person"), func(p *Person) { p.Nickname = f.Get("nickname") })
}

func (s *Server) actSnapshot(f url.Values) error {
	if f.Get("to") != "on" {
		return s.LeaveSnapshot(f.Get("person"))
	}
	return s.roster.change(f.Get("person"), func(p *Person) { p.InSnapshot = true })
}

func (s *Server) actQuirk(f url.Values) error {
	i := slices.IndexFunc(controls, func(c control) bool { return c.name == f.Get("name") })
	if i < 0 {
		return fmt.Errorf("%w: %.40q", ErrBadQuirk, f.Get("name"))
	}
	next, err := number(f, "next")
	if err != nil {
		return err
	}
	value, err := number(f, "value")
	if err != nil {
		return err
	}
	on := f.Get("to") == "on"
	if !on {
		value = 0
	}
	return s.quirks.change(func(q *Quirks) {
		switch c := controls[i]; {
		case c.knob != nil:
			*c.knob(q) = Knob{On: on, Endpoint: f.Get("at"), Next: next}
		case c.number != nil:
			*c.number(q) = Number{Value: value, Endpoint: f.Get("at"), Next: next}
		default:
			*c.flag(q) = on
		}
	})
}

func (s *Server) actQuota(f url.Values) error {
	limit, err := number(f, "value")
	if err != nil {
		return err
	}
	return s.quirks.change(func(q *Quirks) { q.QuotaPerMinute = limit })
}

func (s *Server) actReplay(f url.Values) error {
	seconds, err := number(f, "seconds")
	if err != nil {
		return err
	}
	delay := time.Duration(min(seconds, int(maxReplayDelay.Seconds())+1)) * time.Second
	return s.quirks.change(func(q *Quirks) { q.ReplayWithoutCookies = Replay{On: f.Get("to") == "on", Delay: delay} })
}

// number reads a number of a form; a field that is empty is 0.
func number(f url.Values, name string) (int, error) {
	n, err := strconv.Atoi(cmp.Or(f.Get(name), "0"))
	if err != nil {
		return 0, fmt.Errorf("%w: %s is not a number", ErrBadQuirk, name)
	}
	return n, nil
}
