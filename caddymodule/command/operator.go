package command

import (
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode"
)

// operator names the user of the operating system who runs the command, for the
// server's audit log. With sudo, it names the user behind it as well.
func operator() string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if behind := os.Getenv("SUDO_USER"); behind != "" {
		name += " (sudo: " + behind + ")"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?' // no header can carry it
	}, name)
}
