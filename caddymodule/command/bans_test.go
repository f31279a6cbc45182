package command

import (
	"regexp"
	"strings"
	"testing"
)

func TestBans(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0), line(1)))
	if out := r.do("persons", "bans"); out != "No known person is banned.\n" {
		t.Errorf("printed %q", out)
	}
	if out := r.do("persons", "ban", personID(1), "--reason", "刷单 & more"); out != "The person is banned.\n" {
		t.Errorf("printed %q", out)
	}
	if out := r.do("persons", "find", "--openid", "oaaab"); !strings.HasSuffix(out, "\tyes\n") {
		t.Errorf("found\n%s", out)
	}
	if out := r.do("persons", "bans"); !regexp.MustCompile(`^PERSON\s+BANNED\n` + personID(1) + `\s+20[^\n]+\n$`).MatchString(out) {
		t.Errorf("printed\n%s", out)
	}
	for _, what := range []string{"show", "export"} {
		if out := r.do("persons", what, personID(1)); !regexp.MustCompile(`(?m)^banned\s+yes$|"banned": true`).MatchString(out) {
			t.Errorf("%s of a banned person:\n%s", what, out)
		}
		if out := r.do("persons", what, personID(0)); strings.Contains(out, "banned") {
			t.Errorf("%s of another person:\n%s", what, out)
		}
	}
	r.do("persons", "erase", personID(1), "--yes")
	if out := r.do("persons", "bans"); out != "No known person is banned.\n1 erased person is banned, of whom nothing else is known.\n" {
		t.Errorf("printed\n%s", out)
	}
	r.fails("there is no such person", "persons", "unban", personID(1))
	r.fails("there is no such ban", "persons", "unban", "--id", "oaaaa")
	if out := r.do("persons", "unban", "--id", "oaaab"); out != "The ban is lifted.\n" {
		t.Errorf("printed %q", out)
	}
	r.do("persons", "ban", personID(0))
	exported := r.do("ledger", "export")
	r.do("persons", "unban", personID(0))
	if out := r.do("ledger", "import", file(t, strings.TrimSuffix(exported, "\n"))); !strings.HasSuffix(out, "are imported, with 1 ban.\n") {
		t.Errorf("printed %q", out)
	}
	r.do("persons", "unban", personID(0))
	for _, args := range [][]string{{"unban"}, {"unban", personID(0), "--id", "oaaab"}, {"unban", ""}} {
		r.fails("one of them", append([]string{"persons"}, args...)...)
	}
	r.fails("one line", "persons", "ban", personID(0), "--reason", "a\nb")
}
