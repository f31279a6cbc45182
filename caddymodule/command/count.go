package command

import "strconv"

// count is a number of things: "1 person", "2 persons".
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
