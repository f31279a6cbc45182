package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// errNotReady is the outcome of a status that is shown, and bad.
var errNotReady = errors.New("the gateway is not ready: a part does not work")

// status is the server's answer about itself.
type status struct {
	Version string            `json:"version"`
	Caddy   string            `json:"caddy"`
	Started time.Time         `json:"started"`
	Loaded  time.Time         `json:"loaded"`
	Ready   bool              `json:"ready"`
	Parts   map[string]string `json:"parts"`
	Store   string            `json:"store"`
	Persons *int              `json:"persons"`

	Accounts []struct {
		Name  string `json:"name"`
		Kind  string `json:"kind"`
		AppID string `json:"app_id"`
	} `json:"accounts"`
	Sites []struct {
		Origin   string   `json:"origin"`
		Accounts []string `json:"accounts"`
	} `json:"sites"`
	Webhooks []struct {
		Name    string `json:"name"`
		Waiting *int   `json:"waiting"`
		Dead    *int   `json:"dead"`
	} `json:"webhooks"`
	Keys *struct {
		Generated bool      `json:"generated"`
		Count     int64     `json:"count"`
		Newest    time.Time `json:"newest"`
	} `json:"keys"`
	SignIns struct {
		Since    time.Time      `json:"since"`
		Finished map[string]int `json:"finished"`
	} `json:"sign_ins"`
}

func statusCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Shows the running gateway at a glance",
		Long: `Shows versions, readiness, store, accounts, sites, webhooks, session keys, and the sign-ins of the last hour. It exits
with 4 if a part of the gateway does not work.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, e, http.MethodGet, "/wechat/status", func(w io.Writer, s status) error {
				if err := s.show(w); err != nil {
					return err
				}
				if !s.Ready {
					return errNotReady
				}
				return nil
			})
		},
	}
	e.flags(cmd)
	return cmd
}

// show prints the status. Each row begins with what it is about.
func (s *status) show(w io.Writer) error {
	return table(w, func(row func(...string)) {
		row("gateway", orNone(s.Version))
		row("caddy", s.Caddy)
		row("started", moment(s.Started))
		row("configured", moment(s.Loaded))
		row("ready", yesNo(s.Ready))
		for _, part := range slices.Sorted(maps.Keys(s.Parts)) {
			row("  "+part, s.Parts[part])
		}
		row("store kind", s.Store)
		row("persons", orUnknown(s.Persons))
		for _, a := range s.Accounts {
			row("account", a.Name, a.Kind, a.AppID)
		}
		for _, site := range s.Sites {
			row("site", cmp.Or(site.Origin, "any origin"), strings.Join(site.Accounts, " "))
		}
		for _, h := range s.Webhooks {
			row("webhook", h.Name, orUnknown(h.Waiting)+" waiting", orUnknown(h.Dead)+" dead")
		}
		row("keys", s.keys())
		row("sign-ins since", moment(s.SignIns.Since), s.signIns())
	})
}

func (s *status) keys() string {
	switch {
	case s.Keys == nil:
		return "unknown"
	case s.Keys.Generated:
		return fmt.Sprintf("%s, generated, the newest %s", count(s.Keys.Count, "key", "keys"), moment(s.Keys.Newest))
	default:
		return count(s.Keys.Count, "key", "keys") + ", configured"
	}
}

func (s *status) signIns() string {
	var ends []string
	for _, end := range slices.Sorted(maps.Keys(s.SignIns.Finished)) {
		ends = append(ends, fmt.Sprintf("%s %d", end, s.SignIns.Finished[end]))
	}
	return orNone(strings.Join(ends, ", "))
}

func orUnknown(n *int) string {
	if n == nil {
		return "unknown"
	}
	return strconv.Itoa(*n)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
