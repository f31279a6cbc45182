package command

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// errAgo says what the text of a time may be.
var errAgo = errors.New("give --inactive a number and d (days), mo (months) or y (years), such as 24mo")

// agoUnits are the units of a time, as years, months and days.
var agoUnits = []struct {
	name string
	date [3]int
}{
	{"mo", [3]int{0, 1, 0}},
	{"y", [3]int{1, 0, 0}},
	{"d", [3]int{0, 0, 1}},
}

// ago returns the time so long before now: 24mo, 2y or 400d.
func ago(text string, now time.Time) (time.Time, error) {
	for _, u := range agoUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n == 0 || number[0] == '0' {
			return time.Time{}, errAgo
		}
		at := now.AddDate(-int(n)*u.date[0], -int(n)*u.date[1], -int(n)*u.date[2])
		if at.Year() < 1970 {
			return time.Time{}, errAgo
		}
		return at, nil
	}
	return time.Time{}, errAgo
}
