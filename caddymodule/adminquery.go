package caddymodule

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// query reads the query's parameters strictly: one of the sets of names, each
// given once and not empty. A mistyped name must not turn "the sessions of this
// person" into something else.
func query(r *http.Request, sets ...[]string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuseAdmin(invalidQuery, "the query cannot be read", nil)
	}
	names := slices.Sorted(maps.Keys(values))
	for _, set := range sets {
		if slices.Equal(names, set) && !slices.ContainsFunc(set, func(name string) bool { return len(values[name]) != 1 || values[name][0] == "" }) {
			return values, nil
		}
	}
	return nil, refuseAdmin(invalidQuery, wantedQuery(sets), nil)
}

// wantedQuery says in a sentence which parameters a call has.
func wantedQuery(sets [][]string) string {
	var want []string
	empty := false
	for _, set := range sets {
		empty = empty || len(set) == 0
		if len(set) > 0 {
			want = append(want, strings.Join(set, " and "))
		}
	}
	switch {
	case len(want) == 0:
		return "this call has no parameters"
	case empty:
		return "the query must be empty, or give " + strings.Join(want, ", or ")
	default:
		return "the query must give " + strings.Join(want, ", or ")
	}
}

// noQuery refuses all parameters. Attack: `?dry_run=true` is taken for a promise
// by a caller who erases a person.
func noQuery(r *http.Request) error {
	_, err := query(r, []string{})
	return err
}
