package page

import (
	"bytes"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Look is how the pages of one site look, or what is wrong with it.
type Look struct {
	Name  string // such as the site's host
	Theme *Theme
	Err   error
}

// Sample is a page as an example: one kind of page in one of its states.
type Sample struct {
	State string // such as full: all parts of the page; unique within its kind
	Page  Page
}

// Samples returns an example of each page in each of its states, in the order
// of the pages' names.
func Samples() (all []Sample) {
	for _, kind := range slices.Sorted(maps.Keys(statuses)) {
		var seen [][]byte
		for s := range statesOf(kind) {
			v := s.page.view(english, true)
			body := v.render()
			if slices.ContainsFunc(seen, func(other []byte) bool { return bytes.Equal(other, body) }) {
				continue // what is left out here was not on this page
			}
			seen = append(seen, body)
			all = append(all, Sample{State: s.name, Page: s.page})
		}
	}
	return all
}

// Missing says which parts the operator's layout lacks, "" for none.
func (l Look) Missing() string { return l.Theme.Missing() }

// state is a page in one state.
type state struct {
	name string
	page Page
	only Kind // the kind that has this state, "" for all
}

// statesOf returns the states of one kind of page.
func statesOf(kind Kind) iter.Seq[state] {
	return func(yield func(state) bool) {
		for _, s := range slices.Concat(states(), formStates()) {
			s.page.Kind = kind
			if (s.only == "" || s.only == kind) && !yield(s) {
				return
			}
		}
	}
}

// states returns a page with all fields, and those with fewer of them that make
// a difference on some page.
func states() []state {
	const address = "https://shop.example.com/"
	everything := Page{
		Site: "shop.example.com", URL: address, ContinueURL: ownPrefix + "login", DeclineURL: ownPrefix + "decline",
		ReturnTo: "/", Reference: "r-1",
		WaitURL: ownPrefix + "scan/wait/x", ConfirmURL: ownPrefix + "scan/x", Number: "407", Numbers: []string{"119", "407", "823"},
		Data: struct{}{}, Other: true, Code: DrawCode("http://weixin.qq.com/q/02example"),
		Device: "Windows · Chrome", Network: "203.0.113.x", Ago: 14 * time.Second,
	}
	long := everything
	long.URL = address + strings.Repeat("a", maxQR)
	onlyText := everything
	onlyText.URL = "https://" + strings.Repeat("a", maxQR) + ".example.com/"
	oneWay := everything
	oneWay.DeclineURL = ""
	codeless := everything
	codeless.Code = Code{}
	again := everything
	again.Cause = NotYet
	scriptless := everything
	scriptless.WaitURL = ""
	nothing := Page{RetryAfter: -1}
	return []state{
		{name: "full", page: everything},
		{name: "long_address", page: long}, // the code opens the front page
		{name: "address_only", page: onlyText},
		{name: "one_way", page: oneWay},
		{name: "no_script", page: scriptless},
		{name: "no_code", page: codeless, only: Follow},
		{name: "again", page: again, only: Follow},
		{name: "bare", page: nothing},
	}
}
