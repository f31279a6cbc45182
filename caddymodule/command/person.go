package command

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// person is the server's answer about a person.
type person struct {
	ID       string `json:"id"`
	UnionID  string `json:"unionid"`
	Accounts []struct {
		AppID     string    `json:"app_id"`
		OpenID    string    `json:"openid"`
		ConsentAt time.Time `json:"consent_at"`
		FirstSeen time.Time `json:"first_seen"`
		LastSeen  time.Time `json:"last_seen"`
		Follow    string    `json:"follow"` // "yes", "no", or "" if no site asks
	} `json:"accounts"`
	Merged    []string  `json:"merged"`
	Nickname  string    `json:"nickname"`
	Avatar    string    `json:"avatar"`
	ProfileAt time.Time `json:"profile_at"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Banned    bool      `json:"banned"`
}

// show prints the person. Text that the person chose is quoted: it could
// contain control sequences of the terminal or reverse the line's direction.
func (p *person) show(w io.Writer) error {
	return table(w, func(row func(...string)) {
		row("person", p.ID)
		if len(p.Merged) > 0 {
			row("also known as", strings.Join(p.Merged, " "))
		}
		row("unionid", orNone(p.UnionID))
		if p.Nickname != "" || p.Avatar != "" {
			row("nickname", strconv.Quote(p.Nickname))
			row("avatar", strconv.Quote(p.Avatar))
			row("profile of", moment(p.ProfileAt))
		}
		row("first seen", moment(p.FirstSeen))
		row("last seen", moment(p.LastSeen))
		if p.Banned {
			row("banned", "yes")
		}
		for _, a := range p.Accounts {
			row("")
			row("app", a.AppID)
			row("  openid", a.OpenID)
			row("  consent", moment(a.ConsentAt))
			row("  first seen", moment(a.FirstSeen))
			row("  last seen", moment(a.LastSeen))
			if a.Follow != "" {
				row("  follows", a.Follow)
			}
		}
	})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
