package command

import "strconv"

// count returns a number with its noun: "1 person", "2 persons".
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
